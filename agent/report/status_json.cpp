#include "base/json_read.hpp"
#include "report/status.hpp"

#include <fmt/format.h>

#include <utility>

namespace bundlesync::report {
namespace {

namespace bj = boost::json;

bj::value text_or_null(const std::string& text) {
  if (text.empty()) return nullptr;
  return bj::value(text);
}

bj::array texts(const std::vector<std::string>& list) {
  bj::array array;
  for (const auto& text : list) array.emplace_back(text);
  return array;
}

bj::object to_json(const TemplateLine& line) {
  bj::object object;
  object["template"] = line.name;
  object["state"] = line.state;
  object["version"] = text_or_null(line.version);
  object["manifest_sha256"] = text_or_null(line.manifest_sha256);
  object["source"] = text_or_null(line.source);
  object["since"] = text_or_null(line.since);
  object["generation"] = line.generation;
  object["desired_version"] = text_or_null(line.desired_version);
  object["desired_generation"] = line.desired_generation;
  object["out_of_date_since"] = text_or_null(line.out_of_date_since);
  object["reason"] = text_or_null(line.reason);
  object["detail"] = text_or_null(line.detail);
  object["next_try"] = text_or_null(line.next_try);
  object["path"] = line.path;
  object["prefetched"] = line.prefetched;
  return object;
}

bj::object to_json(const SourceStatus& source) {
  bj::object object;
  object["source"] = source.name;
  object["reachable"] = source.reachable;
  object["last_contact"] = text_or_null(source.last_contact);
  object["error"] = text_or_null(source.error);
  return object;
}

TemplateLine template_line(const bj::value& value, std::string where, Result<void>& problem) {
  json::ObjectReader reader(value, std::move(where));
  TemplateLine line;
  line.name = reader.text("template");
  line.state = reader.text("state");
  line.version = reader.text_or_empty("version");
  line.manifest_sha256 = reader.text_or_empty("manifest_sha256");
  line.source = reader.text_or_empty("source");
  line.since = reader.text_or_empty("since");
  line.generation = reader.number("generation");
  line.desired_version = reader.text_or_empty("desired_version");
  line.desired_generation = reader.number("desired_generation");
  line.out_of_date_since = reader.text_or_empty("out_of_date_since");
  line.reason = reader.text_or_empty("reason");
  line.detail = reader.text_or_empty("detail");
  line.next_try = reader.text_or_empty("next_try");
  line.path = reader.text("path");
  line.prefetched = reader.optional_boolean("prefetched").value_or(false);
  if (problem) problem = reader.finish();
  return line;
}

SourceStatus source_status(const bj::value& value, std::string where, Result<void>& problem) {
  json::ObjectReader reader(value, std::move(where));
  SourceStatus source;
  source.name = reader.text("source");
  source.reachable = reader.optional_boolean("reachable").value_or(false);
  source.last_contact = reader.text_or_empty("last_contact");
  source.error = reader.text_or_empty("error");
  if (problem) problem = reader.finish();
  return source;
}

std::vector<std::string> text_list(json::ObjectReader& reader, std::string_view key) {
  std::vector<std::string> list;
  for (const bj::value* element : reader.elements(key)) {
    if (element->is_string()) {
      list.emplace_back(element->get_string());
    } else {
      reader.reject(Error(ErrorKind::refused, reader.at(key) + ": not a list of texts").with_reason("json_wrong_type"));
    }
  }
  return list;
}

void read_disk(json::ObjectReader& reader, Status& status) {
  const bj::value* disk = reader.value("disk_bytes");
  if (!disk) return;
  const bj::object* areas = disk->if_object();
  for (const auto& [area, bytes] : areas ? *areas : bj::object()) {
    if (const auto* number = bytes.if_int64(); number && *number >= 0) {
      status.disk_bytes[std::string(area)] = static_cast<std::uint64_t>(*number);
    }
  }
}

Result<void> read_lists(json::ObjectReader& reader, Status& status) {
  Result<void> problem;
  status.missing = text_list(reader, "missing");
  status.problems = text_list(reader, "problems");
  status.privileged = text_list(reader, "privileged");
  for (const bj::value* element : reader.elements("sources")) {
    status.sources.push_back(source_status(*element, reader.at("sources"), problem));
  }
  for (const bj::value* element : reader.elements("templates")) {
    status.templates.push_back(template_line(*element, reader.at("templates"), problem));
  }
  return problem;
}

Result<void> check_schema(const bj::value& document) {
  const bj::object* object = document.if_object();
  const bj::value* schema = object ? object->if_contains("schema_version") : nullptr;
  const std::int64_t* number = schema ? schema->if_int64() : nullptr;
  if (!number || std::cmp_equal(*number, status_schema_version)) return {};  // a missing one is found by the reader
  return fail(
      Error(ErrorKind::refused,
            fmt::format("the status has schema_version {}, this bundlesync reads {}", *number, status_schema_version),
            "use the bundlesync of the same version as the agent")
          .with_reason("schema_unknown"));
}

}  // namespace

std::string status_to_json(const Status& status) {
  bj::object document;
  document["schema_version"] = status_schema_version;
  document["agent_version"] = status.agent_version;
  document["config"] = status.config;
  document["started_at"] = status.started_at;
  document["written_at"] = status.written_at;
  document["standby"] = text_or_null(status.standby);
  document["target"] = status.target;
  document["remote"] = status.remote;
  document["mode"] = status.mode;
  document["listen_verified"] = status.listen_verified;
  document["host"] = text_or_null(status.host);
  document["role"] = text_or_null(status.role);
  document["key_role"] = text_or_null(status.key_role);
  document["key_expires"] = text_or_null(status.key_expires);
  document["privileged"] = texts(status.privileged);
  document["ready"] = status.ready;
  document["missing"] = texts(status.missing);
  document["view"] = status.view;
  document["epoch"] = text_or_null(status.epoch);
  bj::array& sources = document["sources"].emplace_array();
  for (const auto& source : status.sources) sources.push_back(to_json(source));
  document["last_error"] = text_or_null(status.last_error);
  document["last_error_at"] = text_or_null(status.last_error_at);
  document["problems"] = texts(status.problems);
  bj::object& disk = document["disk_bytes"].emplace_object();
  for (const auto& [area, bytes] : status.disk_bytes) disk[area] = bytes;
  document["disk_budget_bytes"] = status.disk_budget_bytes;
  bj::array& templates = document["templates"].emplace_array();
  for (const auto& line : status.templates) templates.push_back(to_json(line));
  return json::pretty(document);
}

Result<Status> status_from_json(std::string_view text) {
  json::Limits limits;
  limits.bytes_max = 64 << 20;
  auto document = json::parse(text, "status", limits);
  if (!document) return fail(document.error());
  if (auto schema = check_schema(*document); !schema) return fail(schema.error());
  json::ObjectReader reader(*document, "status");
  Status status;
  reader.number("schema_version");
  status.agent_version = reader.text("agent_version");
  status.config = reader.text("config");
  status.started_at = reader.text("started_at");
  status.written_at = reader.text("written_at");
  status.standby = reader.text_or_empty("standby");
  status.target = reader.text("target");
  status.remote = reader.optional_boolean("remote").value_or(false);
  status.mode = reader.text("mode");
  status.listen_verified = reader.optional_boolean("listen_verified").value_or(false);
  status.host = reader.text_or_empty("host");
  status.role = reader.text_or_empty("role");
  status.key_role = reader.text_or_empty("key_role");
  status.key_expires = reader.text_or_empty("key_expires");
  status.ready = reader.optional_boolean("ready").value_or(false);
  status.view = reader.number("view");
  status.epoch = reader.text_or_empty("epoch");
  status.last_error = reader.text_or_empty("last_error");
  status.last_error_at = reader.text_or_empty("last_error_at");
  read_disk(reader, status);
  status.disk_budget_bytes = reader.number("disk_budget_bytes");
  auto lists = read_lists(reader, status);
  if (!lists) return fail(lists.error());
  auto whole = reader.finish();
  if (!whole) return fail(whole.error());
  return status;
}

}  // namespace bundlesync::report
