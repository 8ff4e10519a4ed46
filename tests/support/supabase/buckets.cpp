#include "support/supabase/world.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace bundlesync::tests::supabase {
namespace {

Answer bucket_json(const Bucket& bucket) {
  boost::json::object row;
  row["id"] = bucket.name;
  row["name"] = bucket.name;
  row["owner"] = "";
  row["public"] = bucket.is_public;
  row["type"] = "STANDARD";
  row["file_size_limit"] = nullptr;
  if (bucket.bytes_max) row["file_size_limit"] = *bucket.bytes_max;
  row["allowed_mime_types"] = nullptr;
  if (!bucket.types.empty()) row["allowed_mime_types"] = boost::json::value_from(bucket.types);
  row["created_at"] = "2026-11-22T12:00:00.000Z";
  row["updated_at"] = "2026-11-22T12:00:00.000Z";
  return json_answer(boost::json::serialize(row));
}

Answer invalid_request(std::string_view message) {
  return error_answer(400, "400", "Error", message, "InvalidRequest");
}

/// Bytes, or "20MB" with decimal units.
std::optional<std::uint64_t> size_of(const boost::json::value& value) {
  if (value.is_int64() && value.get_int64() >= 0) return static_cast<std::uint64_t>(value.get_int64());
  if (!value.is_string()) return std::nullopt;
  const std::string text(value.get_string());
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(rest, text.data() + text.size());
  if (error != std::errc()) return std::nullopt;
  if (unit == "B") return number;
  if (unit == "KB") return number * 1'000;
  if (unit == "MB") return number * 1'000'000;
  if (unit == "GB") return number * 1'000'000'000;
  return std::nullopt;
}

/// Lays what the question says over the bucket.
std::optional<Answer> apply(const boost::json::object& question, Bucket& bucket) {
  if (const auto* value = question.if_contains("public")) {
    if (!value->is_bool()) return invalid_request("body/public must be boolean");
    bucket.is_public = value->get_bool();
  }
  if (const auto* value = question.if_contains("file_size_limit")) {
    bucket.bytes_max.reset();
    if (!value->is_null()) {
      bucket.bytes_max = size_of(*value);
      if (!bucket.bytes_max) return invalid_request("body/file_size_limit must be integer");
      if (*bucket.bytes_max > server_bytes_max) {
        return error_answer(400, "413", "Payload too large", "The object exceeded the maximum allowed size",
                            "EntityTooLarge");
      }
    }
  }
  if (const auto* value = question.if_contains("allowed_mime_types")) {
    bucket.types.clear();
    if (!value->is_null() && !value->is_array()) return invalid_request("body/allowed_mime_types must be array");
    if (value->is_array()) bucket.types = boost::json::value_to<std::vector<std::string>>(*value);
  }
  return std::nullopt;
}

}  // namespace

bool World::sees_bucket(const Caller& caller, const std::string& name) const {
  return buckets.contains(name) && may(caller, name, "see_bucket", "bucket.get");
}

Answer World::create_bucket(const Request& request, const Caller& caller) {
  boost::json::object question;
  if (auto refusal = read_json(request, question)) return *refusal;
  const auto* name = question.if_contains("name");
  if (name == nullptr || !name->is_string()) return invalid_request("body must have required property 'name'");
  Bucket bucket;
  bucket.name = name->get_string();
  if (!is_valid_bucket(bucket.name)) {
    return error_answer(400, "400", "Invalid Input", "Bucket name invalid", "InvalidBucketName");
  }
  if (!caller.all()) return access_denied("new row violates row-level security policy");
  if (auto refusal = apply(question, bucket)) return *refusal;
  if (buckets.contains(bucket.name)) {
    return error_answer(400, "409", "Duplicate", "The resource already exists", "BucketAlreadyExists");
  }
  buckets.emplace(bucket.name, bucket);
  return json_answer(fmt::format(R"({{"name":{}}})", json_text(bucket.name)));
}

Answer World::update_bucket(const Request& request, const Caller& caller, const std::string& name) {
  boost::json::object question;
  if (auto refusal = read_json(request, question)) return *refusal;
  const bool says =
      question.contains("public") || question.contains("file_size_limit") || question.contains("allowed_mime_types");
  if (!says) return invalid_request("body must have at least one property");
  if (!caller.all() || !buckets.contains(name)) return no_such_bucket();
  Bucket changed = buckets.at(name);
  if (auto refusal = apply(question, changed)) return *refusal;
  buckets.at(name) = changed;
  return json_answer(R"({"message":"Successfully updated"})");
}

Answer World::delete_bucket(const Caller& caller, const std::string& name) {
  const bool holds = std::ranges::any_of(objects, [&](const auto& entry) { return entry.first.first == name; });
  if (holds) {
    return error_answer(400, "409", "InvalidRequest", "The bucket you tried to delete is not empty",
                        "ResourceNotEmpty");
  }
  if (!caller.all() || buckets.erase(name) == 0) return no_such_bucket();
  return json_answer(R"({"message":"Successfully deleted"})");
}

Answer World::bucket_route(const Request& request, std::string_view rest) {
  Caller caller;
  if (auto refusal = authenticate(request, caller)) return *refusal;
  if (rest.empty()) {
    if (request.method == "POST") return create_bucket(request, caller);
    if (request.method != "GET") return unknown_route(request);
    std::string rows;
    for (const auto& [name, bucket] : buckets) {
      if (sees_bucket(caller, name)) rows += (rows.empty() ? "" : ",") + bucket_json(bucket).body;
    }
    return json_answer("[" + rows + "]");
  }
  const auto [name, verb] = split_place(rest);
  if (verb == "empty" && request.method == "POST") {
    if (!caller.all()) return error_answer(403, "403", "Unauthorized", "Access denied: Invalid role", "AccessDenied");
    std::erase_if(objects, [&, bucket = name](const auto& entry) { return entry.first.first == bucket; });
    return json_answer(R"({"message":"Empty bucket has been queued. Completion may take up to an hour."})");
  }
  if (!verb.empty()) return unknown_route(request);
  if (request.method == "GET") return sees_bucket(caller, name) ? bucket_json(buckets.at(name)) : no_such_bucket();
  if (request.method == "PUT") return update_bucket(request, caller, name);
  if (request.method == "DELETE") return delete_bucket(caller, name);
  return unknown_route(request);
}

}  // namespace bundlesync::tests::supabase
