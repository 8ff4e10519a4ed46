#pragma once

#include "base/secret.hpp"
#include "storage/http/client.hpp"
#include "storage/storage.hpp"
#include "storage/supabase/key.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <optional>
#include <string>

namespace bundlesync::storage {

namespace supabase {
struct Asked;
}

struct SupabaseOptions {
  std::string path = "/storage/v1";  ///< what comes before /object
  std::string bucket;
  std::function<Result<Secret>()> key;  ///< asked before every request, so that a rotated key is used at once
  /// Told of the first key and of every other one that is used after it.
  std::function<void(const supabase::KeyFacts&)> key_used;
};

/// Objects in one bucket of Supabase Storage, over its REST routes. A key that the server turns away is read again, and
/// the request is repeated once where it is another now.
/// - An upload never asks to replace, but the server's own check for an object that exists is not atomic: of several
///   concurrent uploads of one key all may succeed. Publishers need a claim of their own, and have one.
/// - What the key may not see looks like what is not there: download and stat end as for a missing object, list leaves
/// it
///   out, and a removal that was answered so counts as done.
class SupabaseStorage final : public Storage {
 public:
  /// usage: a bucket that cannot be one. Nothing is contacted, and the key is not read yet.
  static Result<std::unique_ptr<Storage>> open(asio::any_io_executor executor, http::Origin origin,
                                               http::Options http_options, SupabaseOptions options);

  Task<Result<ObjectInfo>> download(std::string key, std::uint64_t bytes_max, ByteSink& sink) override;
  Task<Result<void>> upload(std::string key, std::string bytes, std::string content_type) override;
  Task<Result<ObjectInfo>> stat(std::string key) override;
  Task<Result<std::vector<ObjectInfo>>> list(std::string prefix) override;
  Task<Result<void>> remove(std::string key) override;
  std::string describe() const override { return description_; }

 private:
  SupabaseStorage(asio::any_io_executor executor, http::Origin origin, http::Options http_options,
                  SupabaseOptions options);

  /// How one exchange goes on: where the body of a 200 goes, and how much of it is taken.
  struct Transfer {
    ByteSink* sink = nullptr;  ///< null: into the response
    std::uint64_t bytes_max = http::answer_text_bytes_max;
  };
  /// The response when it is 200, else what the answer means.
  Task<Result<http::Response>> ask(const http::Request& request, const supabase::Asked& asked, Transfer transfer);
  Task<Result<http::Response>> send(const http::Request& request, const Secret& key, Transfer transfer);
  Result<Secret> current_key();
  std::string target(std::string_view route, std::string_view key) const;

  http::Client client_;
  SupabaseOptions options_;
  std::string description_;
  std::optional<supabase::KeyFacts> used_;
};

}  // namespace bundlesync::storage
