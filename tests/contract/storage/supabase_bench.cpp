#include "ripe_clock.hpp"
#include "storage/retrying.hpp"
#include "storage/supabase/supabase_storage.hpp"
#include "storage_bench.hpp"
#include "support/supabase_server.hpp"

#include <stdexcept>

namespace bundlesync::storage::contract {
namespace {

/// The stand-in, asked as a publisher.
class SupabaseBench : public Bench {
 public:
  SupabaseBench() {
    tests::supabase::Bucket bucket;
    bucket.name = "template-artifacts";
    server_.create_bucket(bucket);
    SupabaseOptions options;
    options.bucket = bucket.name;
    options.key = [key = Secret(server_.token("service_role"))]() -> Result<Secret> { return key; };
    auto opened = SupabaseStorage::open(loop().get_executor(), http::parse_origin(server_.origin()).value(),
                                        http::Options(), std::move(options));
    if (!opened) throw std::runtime_error(opened.error().text());
    supabase_ = std::move(*opened);
  }

  Storage& storage() override { return *supabase_; }
  bool creates_atomically() const override { return false; }
  bool takes_non_ascii_keys() const override { return false; }
  void hang(const std::string& key) override { server_.hold(key); }
  void release(const std::string& key) override { server_.release(key); }
  void take_away() override { server_.stop(); }

 protected:
  std::unique_ptr<Storage> release_supabase() { return std::move(supabase_); }

 private:
  tests::SupabaseServer server_;
  std::unique_ptr<Storage> supabase_;
};

class RetryingSupabaseBench final : public SupabaseBench {
 public:
  RetryingSupabaseBench() : retrying_(RetryingStorage::around(release_supabase(), clock_, RetryPolicy(), 1)) {}
  Storage& storage() override { return *retrying_; }

 private:
  RipeClock clock_;
  std::unique_ptr<Storage> retrying_;
};

}  // namespace

std::unique_ptr<Bench> make_supabase_bench() {
  return std::make_unique<SupabaseBench>();
}
std::unique_ptr<Bench> make_retrying_supabase_bench() {
  return std::make_unique<RetryingSupabaseBench>();
}

}  // namespace bundlesync::storage::contract
