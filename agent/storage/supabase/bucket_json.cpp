#include "storage/supabase/bucket_json.hpp"

#include "base/json_read.hpp"

namespace bundlesync::storage::supabase {
namespace {

constexpr std::string_view answer_name = "the answer of storage";

Error invalid(const Error& cause) {
  return Error(ErrorKind::refused, cause.fact(), "is storage.url that of a Supabase Storage?")
      .with_reason("answer_invalid");
}

boost::json::object object_of(const Bucket& bucket) {
  boost::json::object object;
  object["public"] = bucket.is_public;
  object["file_size_limit"] = nullptr;
  if (bucket.file_bytes_max) object["file_size_limit"] = *bucket.file_bytes_max;
  object["allowed_mime_types"] = nullptr;
  if (!bucket.types.empty()) object["allowed_mime_types"] = boost::json::value_from(bucket.types);
  return object;
}

}  // namespace

std::string creation_of(std::string_view name, const Bucket& bucket) {
  boost::json::object object;
  object["name"] = name;
  object["id"] = name;
  for (const auto& [key, value] : object_of(bucket)) object[key] = value;
  return boost::json::serialize(object);
}

std::string update_of(const Bucket& bucket) {
  return boost::json::serialize(object_of(bucket));
}

Result<Bucket> read_bucket(std::string_view body) {
  auto value = json::parse(body, answer_name);
  if (!value) return fail(invalid(value.error()));
  json::ObjectReader reader(*value, std::string(answer_name));
  Bucket bucket;
  if (!reader.has("public")) reader.reject(Error(ErrorKind::refused, reader.at("public") + " is missing"));
  bucket.is_public = reader.optional_boolean("public").value_or(true);
  bucket.file_bytes_max = reader.optional_number("file_size_limit");
  for (const auto* type : reader.elements("allowed_mime_types")) {
    if (type->is_string()) {
      bucket.types.emplace_back(type->get_string());
    } else {
      reader.reject(Error(ErrorKind::refused, reader.at("allowed_mime_types") + " holds what is no text"));
    }
  }
  // What else a bucket says of itself (owner, created_at, …) is nobody's business here, so finish() is not asked.
  if (!reader.ok()) return fail(invalid(reader.finish().error()));
  return bucket;
}

}  // namespace bundlesync::storage::supabase
