#include "storage/supabase/supabase_storage.hpp"

#include "storage/key_rules.hpp"
#include "storage/supabase/answer.hpp"
#include "storage/supabase/documents.hpp"
#include "storage/supabase/object_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace bundlesync::storage {

using supabase::Asked;

namespace {

constexpr std::string_view authenticated = "/object/authenticated/";
constexpr std::string_view info_authenticated = "/object/info/authenticated/";
constexpr std::string_view object = "/object/";
constexpr std::string_view list_v2 = "/object/list-v2/";

/// The server turns away a Content-Type without a slash, and a header must not carry a line break.
Result<std::string> media_type(std::string text) {
  if (text.empty()) return "application/octet-stream";
  const bool visible = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  if (visible && text.find('/') != std::string::npos && text.size() <= 256) return text;
  return fail(Error(ErrorKind::refused, "the content type " + quoted_key(text) + " is not one",
                    "write it as type/subtype, as in text/markdown")
                  .with_reason("invalid_mime_type"));
}

Error too_large(std::string_view key, std::uint64_t bytes_max) {
  return Error(ErrorKind::refused, fmt::format("the object {} is larger than {} bytes", quoted_key(key), bytes_max))
      .with_reason("object_too_large");
}

/// A proxy's redirect or an answer that is not HTTP says nothing of the object: such an error is not final for a
/// version, as one that its content earned would be.
Error of_transport(Error error) {
  constexpr std::array<std::string_view, 6> reasons = {"not_http",         "header_too_large", "redirect",
                                                       "answer_too_large", "unasked_range",    "content_encoding"};
  if (error.kind() != ErrorKind::refused || std::ranges::find(reasons, error.reason()) == reasons.end()) return error;
  Error softer = Error(ErrorKind::failed, error.fact()).with_reason(error.reason());
  for (const auto& hint : error.hints()) softer = std::move(softer).with_hint(hint);
  return softer;
}

}  // namespace

Result<std::unique_ptr<Storage>> SupabaseStorage::open(asio::any_io_executor executor, http::Origin origin,
                                                       http::Options http_options, SupabaseOptions options) {
  if (auto good = supabase::check_bucket(options.bucket); !good) return fail(std::move(good.error()));
  return std::unique_ptr<Storage>(
      new SupabaseStorage(std::move(executor), std::move(origin), std::move(http_options), std::move(options)));
}

SupabaseStorage::SupabaseStorage(asio::any_io_executor executor, http::Origin origin, http::Options http_options,
                                 SupabaseOptions options)
    : client_(std::move(executor), origin, std::move(http_options)),
      options_(std::move(options)),
      description_("supabase+" + origin.to_string() + options_.path + "/" + options_.bucket) {}

std::string SupabaseStorage::target(std::string_view route, std::string_view key) const {
  std::string text = options_.path;
  text += route;
  text += supabase::percent_encoded(options_.bucket);
  if (!key.empty()) text += "/" + supabase::percent_encoded(key);
  return text;
}

Result<Secret> SupabaseStorage::current_key() {
  auto key = options_.key();
  // Whoever replaces the key's file may be in the middle of it.
  if (!key)
    return fail(Error(ErrorKind::unavailable, key.error().fact()).within("storage.key").with_reason("key_unreadable"));
  return key;
}

Task<Result<http::Response>> SupabaseStorage::send(const http::Request& request, const Secret& key, Transfer transfer) {
  auto headers = supabase::headers_of(key);
  if (!headers) co_return fail(std::move(headers.error()));
  auto facts = supabase::facts_of(key);
  if (used_ != facts) {
    used_ = facts;
    if (options_.key_used) options_.key_used(facts);
  }
  http::Request signed_request = request;
  std::ranges::move(*headers, std::back_inserter(signed_request.headers));
  if (transfer.sink != nullptr) {
    auto streamed = co_await client_.stream(std::move(signed_request), transfer.bytes_max, *transfer.sink);
    if (!streamed) co_return fail(of_transport(std::move(streamed.error())));
    co_return streamed;
  }
  auto response = co_await client_.send(std::move(signed_request), transfer.bytes_max);
  if (!response) co_return fail(of_transport(std::move(response.error())));
  co_return response;
}

Task<Result<http::Response>> SupabaseStorage::ask(const http::Request& request, const Asked& asked, Transfer transfer) {
  auto key = current_key();
  if (!key) co_return fail(std::move(key.error()));
  auto response = co_await send(request, *key, transfer);
  if (!response || response->status == 200) co_return response;
  auto answer = supabase::read_answer(*response);

  auto again = answer.denies() ? current_key() : key;
  if (again && *again != *key) {
    key = std::move(again);
    response = co_await send(request, *key, transfer);
    if (!response || response->status == 200) co_return response;
    answer = supabase::read_answer(*response);
  }
  const auto now = std::chrono::system_clock::now();
  co_return fail(supabase::error_of(answer, asked, *key, now));
}

Task<Result<ObjectInfo>> SupabaseStorage::download(std::string key, std::uint64_t bytes_max, ByteSink& sink) {
  if (auto good = supabase::check_object_key(key); !good) co_return fail(std::move(good.error()));
  // Without /authenticated a key that is not taken would look like a missing bucket.
  const http::Request request("GET", target(authenticated, key));
  const Asked asked("download", key, description_, options_.bucket);
  Transfer transfer;
  transfer.sink = &sink;
  transfer.bytes_max = bytes_max;
  auto response = co_await ask(request, asked, transfer);
  if (!response) {
    if (response.error().reason() == "object_too_large") co_return fail(too_large(key, bytes_max));
    co_return fail(std::move(response.error()));
  }
  ObjectInfo info;
  info.size = response->streamed;
  info.key = std::move(key);
  co_return info;
}

Task<Result<void>> SupabaseStorage::upload(std::string key, std::string bytes, std::string content_type) {
  if (auto good = supabase::check_object_key(key); !good) co_return good;
  auto type = media_type(std::move(content_type));
  if (!type) co_return fail(std::move(type.error()));
  http::Request request("POST", target(object, key));
  request.body = std::move(bytes);
  http::Header header;
  header.name = "Content-Type";
  header.value = std::move(*type);
  request.headers.push_back(std::move(header));
  const Asked asked("upload", key, description_, options_.bucket);
  const Transfer transfer;
  auto response = co_await ask(request, asked, transfer);
  if (!response) co_return fail(std::move(response.error()));
  co_return Result<void>();
}

Task<Result<ObjectInfo>> SupabaseStorage::stat(std::string key) {
  if (auto good = supabase::check_object_key(key); !good) co_return fail(std::move(good.error()));
  const http::Request request("GET", target(info_authenticated, key));
  const Asked asked("stat", key, description_, options_.bucket);
  const Transfer transfer;
  auto response = co_await ask(request, asked, transfer);
  if (!response) co_return fail(std::move(response.error()));
  auto size = supabase::read_size(response->body);
  if (!size) co_return fail(std::move(size.error()));
  ObjectInfo info;
  info.size = *size;
  info.key = std::move(key);
  co_return info;
}

Task<Result<std::vector<ObjectInfo>>> SupabaseStorage::list(std::string prefix) {
  if (auto good = supabase::check_object_key(prefix); !good) co_return fail(std::move(good.error()));
  const Asked asked("list", prefix, description_, options_.bucket);
  std::vector<ObjectInfo> found;
  std::string cursor;
  for (std::size_t pages = 0; pages < supabase::pages_max; ++pages) {
    http::Request request("POST", target(list_v2, ""));
    request.body = supabase::list_question(prefix, cursor);
    http::Header header;
    header.name = "Content-Type";
    header.value = "application/json";
    request.headers.push_back(std::move(header));
    Transfer transfer;
    transfer.bytes_max = supabase::page_bytes_max;
    auto response = co_await ask(request, asked, transfer);
    if (!response) co_return fail(std::move(response.error()));
    auto page = supabase::read_page(response->body, prefix);
    if (!page) co_return fail(std::move(page.error()));
    std::ranges::move(page->objects, std::back_inserter(found));
    cursor = std::move(page->next_cursor);
    if (cursor.empty()) {
      std::ranges::sort(found, {}, &ObjectInfo::key);
      co_return found;
    }
  }
  co_return fail(ErrorKind::refused, fmt::format("there are more than {} pages of objects below {}",
                                                 supabase::pages_max, quoted_key(prefix)));
}

Task<Result<void>> SupabaseStorage::remove(std::string key) {
  if (auto good = supabase::check_object_key(key); !good) co_return good;
  const http::Request request("DELETE", target(object, key));
  const Asked asked("removal", key, description_, options_.bucket);
  const Transfer transfer;
  auto response = co_await ask(request, asked, transfer);
  if (response || response.error().reason() == "object_missing") co_return Result<void>();
  co_return fail(std::move(response.error()));
}

}  // namespace bundlesync::storage
