#include "support/supabase/world.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

// Uploads and removals.
namespace bundlesync::tests::supabase {
namespace {

Answer invalid_key(std::string_view key) {
  return error_answer(400, "400", "InvalidKey", fmt::format("Invalid key: {}", key), "InvalidKey");
}

/// A '.' or '..' as a whole segment is refused by the file behind the object.
bool has_dot_segment(std::string_view key) {
  for (std::size_t begin = 0; begin <= key.size();) {
    const std::size_t end = std::min(key.find('/', begin), key.size());
    const auto segment = key.substr(begin, end - begin);
    if (segment == "." || segment == "..") return true;
    begin = end + 1;
  }
  return false;
}

std::string type_of(const Request& request) {
  const auto* type = find_header(request.headers, "content-type");
  return type == nullptr ? "application/octet-stream" : *type;
}

bool takes_type(const Bucket& bucket, const std::string& type) {
  const auto bare = type.substr(0, type.find(';'));
  if (bucket.types.empty()) return true;
  return std::ranges::any_of(bucket.types, [&](const std::string& allowed) {
    if (allowed.ends_with("/*")) return bare.starts_with(allowed.substr(0, allowed.size() - 1));
    return allowed == bare;
  });
}

bool upserts(const Request& request) {
  const auto* header = find_header(request.headers, "x-upsert");
  return request.method == "PUT" || (header != nullptr && *header == "true");
}

}  // namespace

World::Refusal World::judge_upload(const Request& head, std::string_view place) {
  Caller caller;
  if (auto refusal = authenticate(head, caller)) return refusal;
  const auto [bucket_name, key] = split_place(place);
  if (key.empty()) return unknown_route(head);
  const auto bucket = buckets.find(bucket_name);
  if (!is_valid_key(key) || has_dot_segment(key)) return invalid_key(key);
  if (bucket == buckets.end()) return no_such_bucket();
  const bool exists = objects.contains({bucket_name, key});
  const bool allowed =
      may(caller, bucket_name, "insert", "object.upload") &&
      (!exists || !upserts(head) ||
       (may(caller, bucket_name, "select", "object.upload") && may(caller, bucket_name, "update", "object.upload")));
  if (!allowed) return access_denied("new row violates row-level security policy");
  if (exists && !upserts(head)) {
    return error_answer(400, "409", "Duplicate", "The resource already exists", "KeyAlreadyExists");
  }
  const std::string type = type_of(head);
  if (type.find('/') == std::string::npos || !takes_type(bucket->second, type)) {
    return error_answer(400, "415", "invalid_mime_type", fmt::format("mime type {} is not supported", type),
                        "InvalidMimeType");
  }
  // Only a declared length is compared: an upload in chunks escapes the limit.
  const std::uint64_t bytes_max = std::min(bucket->second.bytes_max.value_or(server_bytes_max), server_bytes_max);
  const std::uint64_t allowed_bytes = key.ends_with(".emptyFolderPlaceholder") ? 0 : bytes_max;
  if (!head.chunked && head.content_length.value_or(0) > allowed_bytes) {
    return error_answer(400, "413", "Payload too large", "The object exceeded the maximum allowed size",
                        "EntityTooLarge");
  }
  return std::nullopt;
}

/// The judgement was made before the body came: what another wrote meanwhile is replaced, as the real one does.
Answer World::upload(const Request& request, std::string_view place) {
  const auto [bucket, key] = split_place(place);
  const auto at = std::pair(bucket, key);
  if (std::string_view(type_of(request)).starts_with("multipart/form-data")) {
    return plain_error(501, "Not Implemented", "this stand-in takes no multipart/form-data");
  }
  Object& object = objects[at];
  if (object.id.empty()) object.id = fmt::format("00000000-0000-4000-8000-{:012x}", next_id_++);
  object.bytes = request.body;
  object.type = type_of(request);
  const auto* cache = find_header(request.headers, "cache-control");
  object.cache_control = cache == nullptr ? "no-cache" : *cache;
  backing_gone.erase(at);
  return json_answer(fmt::format(R"({{"Key":{},"Id":{}}})", json_text(bucket + "/" + key), json_text(object.id)));
}

Answer World::remove(const Request& request, std::string_view place) {
  Caller caller;
  if (auto refusal = authenticate(request, caller)) return *refusal;
  const auto* type = find_header(request.headers, "content-type");
  if (type != nullptr && type->starts_with("application/json") && request.body.empty()) {
    Answer bad = error_answer(400, "400", "Error",
                              "Body cannot be empty when content-type is set to 'application/json'", "InvalidRequest");
    bad.close = true;
    return bad;
  }
  const auto [bucket, key] = split_place(place);
  const auto found = objects.find({bucket, key});
  if (found == objects.end()) return no_such_key();
  if (!may(caller, bucket, "delete", "object.delete") || !may(caller, bucket, "select", "object.delete")) {
    return access_denied("Access denied");
  }
  objects.erase(found);
  return json_answer(R"({"message":"Successfully deleted"})");
}

Answer World::remove_many(const Request& request, const std::string& bucket) {
  Caller caller;
  if (auto refusal = authenticate(request, caller)) return *refusal;
  boost::json::object question;
  if (auto refusal = read_json(request, question)) return *refusal;
  const auto* prefixes = question.if_contains("prefixes");
  if (prefixes == nullptr || !prefixes->is_array() || prefixes->get_array().empty()) {
    return error_answer(400, "400", "Error", "body/prefixes must NOT have fewer than 1 items", "InvalidRequest");
  }
  boost::json::array rows;
  const bool allowed =
      may(caller, bucket, "delete", "object.delete_many") && may(caller, bucket, "select", "object.delete_many");
  for (const auto& key : prefixes->get_array()) {
    if (!allowed || !key.is_string()) continue;
    const std::string name(key.get_string());
    if (objects.erase({bucket, name}) == 0) continue;
    boost::json::object row;
    row["name"] = name;
    row["bucket_id"] = bucket;
    rows.push_back(std::move(row));
  }
  return json_answer(boost::json::serialize(rows));
}

}  // namespace bundlesync::tests::supabase
