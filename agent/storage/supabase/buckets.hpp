#pragma once

#include "base/secret.hpp"
#include "storage/bucket.hpp"
#include "storage/http/client.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <string>

namespace bundlesync::storage {

/// Buckets of Supabase Storage, over its REST routes, as whom the key says.
class SupabaseBuckets final : public Buckets {
 public:
  /// `path` is what comes before /bucket. Nothing is contacted yet.
  SupabaseBuckets(asio::any_io_executor executor, http::Origin origin, http::Options http_options, std::string path,
                  Secret key);

  /// A name that no bucket can have is usage.
  Task<Result<std::optional<Bucket>>> find(std::string name) override;
  Task<Result<void>> create(std::string name, Bucket bucket) override;
  Task<Result<void>> update(std::string name, Bucket bucket) override;

 private:
  /// The body of a 200, else what the answer means.
  Task<Result<std::string>> ask(http::Request request, std::string_view verb, const std::string& name);

  http::Client client_;
  std::string path_;
  std::string description_;
  Secret key_;
};

}  // namespace bundlesync::storage
