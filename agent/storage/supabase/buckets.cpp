#include "storage/supabase/buckets.hpp"

#include "storage/supabase/answer.hpp"
#include "storage/supabase/bucket_json.hpp"
#include "storage/supabase/key.hpp"
#include "storage/supabase/object_key.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace bundlesync::storage {
namespace {

http::Request json_request(const char* method, std::string target, std::string body) {
  http::Request request(method, std::move(target));
  request.body = std::move(body);
  http::Header header;
  header.name = "Content-Type";
  header.value = "application/json";
  request.headers.push_back(std::move(header));
  return request;
}

/// The hints of an answer are made for objects; these are for buckets.
Error of_bucket(Error error) {
  if (error.reason() != "entity_too_large" && error.reason() != "access_denied") return error;
  const bool large = error.reason() == "entity_too_large";
  Error other(error.kind(), error.fact(),
              large ? "limits.file is more than the project takes: raise the upload limit in the project's storage "
                      "settings, or lower limits.file"
                    : "only the service role may see and make buckets: is storage.key its key, and of this project?");
  return std::move(other).with_reason(error.reason());
}

}  // namespace

SupabaseBuckets::SupabaseBuckets(asio::any_io_executor executor, http::Origin origin, http::Options http_options,
                                 std::string path, Secret key)
    : client_(std::move(executor), origin, std::move(http_options)),
      path_(std::move(path)),
      description_("supabase+" + origin.to_string() + path_),
      key_(std::move(key)) {}

Task<Result<std::string>> SupabaseBuckets::ask(http::Request request, std::string_view verb, const std::string& name) {
  auto headers = supabase::headers_of(key_);
  if (!headers) co_return fail(std::move(headers.error()));
  std::ranges::move(*headers, std::back_inserter(request.headers));
  auto response = co_await client_.send(std::move(request));
  if (!response) co_return fail(std::move(response.error()));
  if (response->status == 200) co_return std::move(response->body);
  const supabase::Asked asked(verb, name, description_, name);
  const auto answer = supabase::read_answer(*response);
  co_return fail(of_bucket(supabase::error_of(answer, asked, key_, std::chrono::system_clock::now())));
}

Task<Result<std::optional<Bucket>>> SupabaseBuckets::find(std::string name) {
  if (auto good = supabase::check_bucket(name); !good) co_return fail(std::move(good.error()));
  http::Request request("GET", path_ + "/bucket/" + supabase::percent_encoded(name));
  auto body = co_await ask(std::move(request), "bucket lookup", name);
  if (!body && body.error().reason() == "no_such_bucket") co_return std::optional<Bucket>();
  if (!body) co_return fail(std::move(body.error()));
  auto bucket = supabase::read_bucket(*body);
  if (!bucket) co_return fail(std::move(bucket.error()));
  co_return std::optional<Bucket>(std::move(*bucket));
}

Task<Result<void>> SupabaseBuckets::create(std::string name, Bucket bucket) {
  if (auto good = supabase::check_bucket(name); !good) co_return good;
  auto request = json_request("POST", path_ + "/bucket", supabase::creation_of(name, bucket));
  auto body = co_await ask(std::move(request), "bucket creation", name);
  if (!body) co_return fail(std::move(body.error()));
  co_return Result<void>();
}

Task<Result<void>> SupabaseBuckets::update(std::string name, Bucket bucket) {
  if (auto good = supabase::check_bucket(name); !good) co_return good;
  auto request = json_request("PUT", path_ + "/bucket/" + supabase::percent_encoded(name), supabase::update_of(bucket));
  auto body = co_await ask(std::move(request), "bucket update", name);
  if (!body) co_return fail(std::move(body.error()));
  co_return Result<void>();
}

}  // namespace bundlesync::storage
