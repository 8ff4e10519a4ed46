#pragma once

#include "run.hpp"
#include "storage/sinks.hpp"
#include "storage/supabase/supabase_storage.hpp"
#include "support/supabase_server.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace bundlesync::storage::contract {

/// A stand-in with one private bucket that bundlesync_reader may read, and a storage that asks it. The key may change
/// at any time.
class SupabaseBed : public testing::Test {
 protected:
  static constexpr const char* bucket = "template-artifacts";

  void SetUp() override {
    tests::supabase::Bucket made;
    made.name = bucket;
    server_.create_bucket(made);
    tests::supabase::Policy read;
    read.bucket = bucket;
    read.role = "bundlesync_reader";
    read.commands = {"select"};
    server_.allow(read);
    use_role("service_role");
    open(server_.origin());
  }

  void open(const std::string& origin, http::Options http_options = {}) {
    SupabaseOptions options;
    options.bucket = bucket;
    options.key = [this]() -> Result<Secret> {
      ++keys_read_;
      if (next_keys_.empty()) return key_;
      key_ = Secret(next_keys_.front());
      next_keys_.erase(next_keys_.begin());
      return key_;
    };
    options.key_used = [this](const supabase::KeyFacts& facts) { used_.push_back(facts.role); };
    auto opened = SupabaseStorage::open(loop_.get_executor(), http::parse_origin(origin).value(),
                                        std::move(http_options), std::move(options));
    ASSERT_TRUE(opened) << opened.error().text();
    storage_ = std::move(*opened);
  }

  void use_role(std::string_view role) { key_ = Secret(server_.token(role)); }
  /// What the next readings of the key give, one each; the last stays.
  void next_keys(std::vector<std::string> keys) { next_keys_ = std::move(keys); }

  template <class T>
  T run(Task<T> task) {
    return test::run(loop_, std::move(task));
  }
  Result<std::string> download(const std::string& key, std::uint64_t bytes_max = 1 << 20) {
    StringSink sink;
    auto done = run(storage_->download(key, bytes_max, sink));
    if (!done) return fail(std::move(done.error()));
    return sink.bytes();
  }
  Error error_of_download(const std::string& key) {
    auto done = download(key);
    return done ? Error(ErrorKind::failed, "no error") : std::move(done.error());
  }
  Result<void> upload(const std::string& key, const std::string& bytes, const std::string& type = "text/markdown") {
    return run(storage_->upload(key, bytes, type));
  }
  Result<void> remove(const std::string& key) { return run(storage_->remove(key)); }

  asio::io_context loop_{1};
  tests::SupabaseServer server_;
  Secret key_;
  std::vector<std::string> next_keys_;
  int keys_read_ = 0;
  std::vector<std::string> used_;  ///< roles, as key_used was told
  std::unique_ptr<Storage> storage_;
};

}  // namespace bundlesync::storage::contract
