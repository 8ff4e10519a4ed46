#include "support/supabase/world.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

// Downloads, infos and lists.
namespace bundlesync::tests::supabase {
namespace {

constexpr std::string_view last_modified = "Sun, 22 Nov 2026 12:00:00 GMT";
constexpr std::string_view made_at = "2026-11-22T12:00:00.000Z";

Answer invalid_range() {
  return error_answer(416, "416", "invalid_range", "the range specified is not valid", "InvalidRange");
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

struct Span {
  std::uint64_t first;
  std::uint64_t last;
};

/// "bytes=a-b", "bytes=a-", "bytes=-n" of so many bytes; nothing for what is answered 416.
std::optional<Span> span_of(std::string_view range, std::uint64_t size) {
  if (!range.starts_with("bytes=") || size == 0) return std::nullopt;
  range.remove_prefix(6);
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = number_of(range.substr(0, dash));
  const auto last = number_of(range.substr(dash + 1));
  if (dash == 0) {
    if (!last || *last == 0) return std::nullopt;
    return Span{size - std::min(size, *last), size - 1};
  }
  const bool open = dash + 1 == range.size();
  if (!first || (!open && !last) || *first >= size || (last && *last < *first)) return std::nullopt;
  return Span{*first, open ? size - 1 : std::min(size - 1, *last)};
}

Answer bytes_answer(const Request& request, const Object& object) {
  Answer answer;
  const std::string* match = find_header(request.headers, "if-none-match");
  answer.headers = {{"etag", object.etag()}, {"last-modified", std::string(last_modified)}};
  // A HEAD never answers 304 or 206.
  const bool conditional = request.method == "GET";
  if (conditional && match != nullptr && *match == object.etag()) {
    answer.status = 304;
    answer.headers.emplace_back("content-length", "0");
    return answer;
  }
  answer.headers.emplace_back("accept-ranges", "bytes");
  answer.headers.emplace_back("content-type", object.type == "text/html" ? "text/plain" : object.type);
  answer.headers.emplace_back("cache-control",
                              object.cache_control + (match != nullptr ? ", stale-while-revalidate=30" : ""));
  answer.headers.emplace_back("x-robots-tag", "none");
  answer.body = object.bytes;
  const std::string* range = find_header(request.headers, "range");
  if (!conditional || range == nullptr) return answer;

  const auto span = span_of(*range, object.bytes.size());
  if (!span) return invalid_range();
  answer.status = 206;
  answer.body = object.bytes.substr(span->first, span->last - span->first + 1);
  answer.headers.emplace_back("content-range",
                              fmt::format("bytes {}-{}/{}", span->first, span->last, object.bytes.size()));
  return answer;
}

boost::json::object metadata_of(const Object& object) {
  boost::json::object metadata;
  metadata["eTag"] = object.etag();
  metadata["size"] = object.bytes.size();
  metadata["mimetype"] = object.type;
  metadata["cacheControl"] = object.cache_control;
  metadata["lastModified"] = made_at;
  metadata["contentLength"] = object.bytes.size();
  metadata["httpStatusCode"] = 200;
  return metadata;
}

boost::json::object row_of(const std::string& name, const Object* object) {
  boost::json::object row;
  row["name"] = name;
  row["id"] = nullptr;
  row["metadata"] = nullptr;
  row["created_at"] = nullptr;
  row["updated_at"] = nullptr;
  if (object == nullptr) return row;
  row["id"] = object->id;
  row["metadata"] = metadata_of(*object);
  row["created_at"] = made_at;
  row["updated_at"] = made_at;
  return row;
}

std::string text_or(const boost::json::object& question, std::string_view key, std::string other) {
  const auto* value = question.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::move(other);
}

/// The limit asked for; 0 for one that is none.
std::size_t limit_of(const boost::json::object& question, std::size_t standard) {
  const auto* value = question.if_contains("limit");
  if (value == nullptr) return standard;
  return value->is_int64() && value->get_int64() >= 1 ? static_cast<std::size_t>(value->get_int64()) : 0;
}

constexpr std::string_view cursor_mark = "after:";

}  // namespace

std::string Object::etag() const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_md5(), nullptr);
  std::string text = "\"";
  for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
  return text + "\"";
}

Answer World::download(const Request& request, std::string_view place, std::string_view kind) {
  Caller caller;
  const auto [bucket_name, key] = split_place(place);
  const auto bucket = buckets.find(bucket_name);
  if (kind == "authenticated") {
    if (auto refusal = authenticate(request, caller)) return *refusal;
  } else {
    if (bucket == buckets.end()) return no_such_bucket();
    if (!bucket->second.is_public) {
      // No key and a key that is not taken are the same here.
      if (kind == "public" || authenticate(request, caller)) return no_such_bucket();
    } else {
      caller.role = "service_role";
    }
  }
  const auto found = objects.find({bucket_name, key});
  const auto* operation = request.method == "HEAD" ? "object.head_authenticated_info" : "object.get_authenticated";
  if (found == objects.end() || !may(caller, bucket_name, "select", operation)) return no_such_key();
  if (request.method == "GET" && backing_gone.contains(found->first)) {
    return error_answer(500, "500", "InternalError", "Internal Server Error", "InternalError");
  }
  return bytes_answer(request, found->second);
}

Answer World::info(const Request& request, std::string_view place, std::string_view kind) {
  Caller caller;
  const auto [bucket_name, key] = split_place(place);
  if (auto refusal = authenticate(request, caller)) return kind == "authenticated" ? *refusal : no_such_bucket();
  const auto found = objects.find({bucket_name, key});
  if (found == objects.end() || !may(caller, bucket_name, "select", "object.get_authenticated_info")) {
    return no_such_key();
  }
  const Object& object = found->second;
  boost::json::object row;
  row["id"] = object.id;
  row["name"] = key;
  row["version"] = object.id;
  row["bucket_id"] = bucket_name;
  row["size"] = object.bytes.size();
  row["content_type"] = object.type;
  row["cache_control"] = object.cache_control;
  row["etag"] = object.etag();
  row["metadata"] = boost::json::object();
  row["last_modified"] = made_at;
  row["created_at"] = made_at;
  return json_answer(boost::json::serialize(row));
}

std::vector<std::pair<std::string, const Object*>> World::visible(const Caller& caller, const std::string& bucket,
                                                                  std::string_view prefix,
                                                                  std::string_view operation) const {
  std::vector<std::pair<std::string, const Object*>> rows;
  if (!may(caller, bucket, "select", operation)) return rows;
  for (const auto& [place, object] : objects) {
    if (place.first == bucket && place.second.starts_with(prefix)) rows.emplace_back(place.second, &object);
  }
  return rows;
}

/// One level, names relative to the prefix; folders have no id.
Answer World::list(const Request& request, std::string_view bucket) {
  Caller caller;
  if (auto refusal = authenticate(request, caller)) return *refusal;
  boost::json::object question;
  if (auto refusal = read_json(request, question)) return *refusal;
  const auto limit = limit_of(question, 100);
  if (!question.contains("prefix") || limit == 0) {
    return error_answer(400, "400", "Error", "body must have required property 'prefix'", "InvalidRequest");
  }
  std::string prefix = text_or(question, "prefix", "");
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  boost::json::array rows;
  std::set<std::string> folders;
  for (const auto& [key, object] : visible(caller, std::string(bucket), prefix, "object.list")) {
    const std::string rest = key.substr(prefix.size());
    const auto slash = rest.find('/');
    const std::string name = rest.substr(0, slash);
    if (rows.size() == limit || (slash != std::string::npos && !folders.insert(name).second)) continue;
    rows.push_back(row_of(name, slash == std::string::npos ? object : nullptr));
  }
  return json_answer(boost::json::serialize(rows));
}

/// Flat, with whole keys; at most 1000 a page, whatever was asked.
Answer World::list_v2(const Request& request, std::string_view bucket) {
  Caller caller;
  if (auto refusal = authenticate(request, caller)) return *refusal;
  boost::json::object question;
  if (auto refusal = read_json(request, question)) return *refusal;
  const auto limit = std::min<std::size_t>(limit_of(question, 1000), 1000);
  const auto* delimiter = question.if_contains("with_delimiter");
  if (limit == 0 || (delimiter != nullptr && delimiter->is_bool() && delimiter->get_bool())) {
    return error_answer(400, "400", "Error", "body/limit must be >= 1, and this stand-in lists flat only",
                        "InvalidRequest");
  }
  const std::string cursor = text_or(question, "cursor", "");
  if (!cursor.empty() && !cursor.starts_with(cursor_mark)) {
    return error_answer(400, "400", "InvalidParameter", "Invalid Parameter cursor", "InvalidParameter");
  }
  const std::string after = cursor.empty() ? "" : cursor.substr(cursor_mark.size());
  boost::json::array rows;
  std::string last;
  bool more = false;
  for (const auto& [key, object] :
       visible(caller, std::string(bucket), text_or(question, "prefix", ""), "object.list_v2")) {
    if (key <= after) continue;
    more = rows.size() == limit;
    if (more) break;
    auto row = row_of(key, object);
    row["key"] = key;
    rows.push_back(std::move(row));
    last = key;
  }
  boost::json::object page;
  page["hasNext"] = more;
  if (more) {
    page["nextCursor"] = std::string(cursor_mark) + last;
    page["nextCursorKey"] = last;
  }
  page["folders"] = boost::json::array();
  page["objects"] = std::move(rows);
  return json_answer(boost::json::serialize(page));
}

}  // namespace bundlesync::tests::supabase
