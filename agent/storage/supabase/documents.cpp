#include "storage/supabase/documents.hpp"

#include "base/json_read.hpp"
#include "storage/key_rules.hpp"

#include <fmt/format.h>

namespace bundlesync::storage::supabase {
namespace {

/// Whatever is wrong with an answer that claimed success: other keys than those that are read are nobody's business.
Error invalid(const Error& cause) {
  return Error(ErrorKind::refused, cause.fact(), "is storage.url that of a Supabase Storage?")
      .with_reason("answer_invalid");
}

Result<boost::json::value> parse(std::string_view body, std::string_view name) {
  json::Limits limits;
  limits.bytes_max = page_bytes_max;
  limits.depth_max = 16;
  auto value = json::parse(body, name, limits);
  if (!value) return fail(invalid(value.error()));
  return value;
}

Result<void> finished(json::ObjectReader& reader) {
  if (reader.ok()) return {};
  return fail(invalid(reader.finish().error()));
}

Result<ObjectInfo> read_object(const boost::json::value& value, std::string_view prefix) {
  json::ObjectReader reader(value, "the answer of storage: objects");
  ObjectInfo info;
  info.key = reader.text("name");
  const auto* metadata = reader.value("metadata");
  if (auto good = finished(reader); !good) return fail(std::move(good.error()));
  json::ObjectReader facts(*metadata, reader.at("metadata"));
  info.size = facts.number("size");
  if (auto good = finished(facts); !good) return fail(std::move(good.error()));
  if (!info.key.starts_with(prefix) || info.key.size() <= prefix.size() || info.key[prefix.size()] != '/') {
    return fail(invalid(Error(ErrorKind::refused, fmt::format("storage listed {}, which does not lie below {}",
                                                              quoted_key(info.key), quoted_key(prefix)))));
  }
  return info;
}

}  // namespace

std::string list_question(std::string_view prefix, std::string_view cursor) {
  boost::json::object question;
  question["prefix"] = std::string(prefix) + "/";
  question["limit"] = page_objects_max;
  if (!cursor.empty()) question["cursor"] = cursor;
  return boost::json::serialize(question);
}

Result<Page> read_page(std::string_view body, std::string_view prefix) {
  auto value = parse(body, "the answer of storage");
  if (!value) return fail(std::move(value.error()));
  json::ObjectReader reader(*value, "the answer of storage");
  Page page;
  const auto* objects = reader.value("objects");
  const bool more = reader.optional_boolean("hasNext").value_or(false);
  page.next_cursor = more ? reader.text("nextCursor") : "";
  if (objects != nullptr && !objects->is_array()) {
    reader.reject(Error(ErrorKind::refused, reader.at("objects") + " is no list"));
  }
  if (auto good = finished(reader); !good) return fail(std::move(good.error()));
  if (more && page.next_cursor.empty()) {
    return fail(invalid(Error(ErrorKind::refused, "storage says that the list goes on, and not where")));
  }
  for (const auto& object : objects->get_array()) {
    auto info = read_object(object, prefix);
    if (!info) return fail(std::move(info.error()));
    // What no key of ours can name is no object of ours.
    if (check_key(info->key)) page.objects.push_back(std::move(*info));
  }
  return page;
}

Result<std::uint64_t> read_size(std::string_view body) {
  auto value = parse(body, "the answer of storage");
  if (!value) return fail(std::move(value.error()));
  json::ObjectReader reader(*value, "the answer of storage");
  const std::uint64_t size = reader.number("size");
  if (auto good = finished(reader); !good) return fail(std::move(good.error()));
  return size;
}

}  // namespace bundlesync::storage::supabase
