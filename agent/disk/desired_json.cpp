#include "base/json_read.hpp"
#include "bundle/path_rules.hpp"
#include "disk/state_json.hpp"

namespace bundlesync::disk {
namespace {

namespace bj = boost::json;

std::int64_t json_number(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}

bj::value optional_number(const std::optional<std::uint64_t>& number) {
  return number ? bj::value(json_number(*number)) : bj::value(nullptr);
}

bj::object file_to_json(const bundle::File& file) {
  bj::object one;
  one["path"] = file.path;
  one["sha256"] = file.sha256.hex();
  one["size"] = optional_number(file.size);
  one["kind"] = file.kind;
  one["locale"] = file.locale;
  one["role"] = file.role;
  one["content_type"] = file.content_type;
  one["storage_path"] = file.storage_path;
  return one;
}

bundle::File file_from_json(json::ObjectReader& parent, const bj::value& value, const std::string& where) {
  json::ObjectReader reader(value, where);
  bundle::File file;
  file.path = reader.text("path");
  file.sha256 = reader.digest("sha256");
  file.size = reader.optional_number("size");
  file.kind = reader.text("kind");
  file.locale = reader.text("locale");
  file.role = reader.text("role");
  file.content_type = reader.text("content_type");
  file.storage_path = reader.text("storage_path");
  if (auto read = reader.finish(); !read) parent.reject(std::move(read.error()));
  return file;
}

bj::value version_to_json(const std::optional<plan::WantedVersion>& version) {
  if (!version) return nullptr;
  bj::object one;
  one["id"] = version->id;
  one["version"] = version->version;
  one["status"] = version->status;
  one["signature"] = version->signature;
  one["problem"] = version->problem;
  one["template"] = version->bundle.template_name;
  one["bundle_version"] = version->bundle.version;
  one["default_locale"] = version->bundle.default_locale;
  one["manifest"] = version->manifest.hex();
  one["recorded_manifest"] =
      version->recorded_manifest ? bj::value(bj::string(version->recorded_manifest->hex())) : bj::value(nullptr);
  bj::array files;
  for (const auto& file : version->bundle.files) files.push_back(file_to_json(file));
  one["files"] = std::move(files);
  return one;
}

/// The files are not judged here: what breaks a rule was kept so that it is refused again after a restart.
std::optional<plan::WantedVersion> version_from_json(json::ObjectReader& parent, std::string_view key) {
  if (!parent.has(key)) return std::nullopt;
  const std::string where = parent.at(key);
  json::ObjectReader reader(*parent.value(key), where);
  plan::WantedVersion version;
  version.id = reader.text("id");
  version.version = reader.text("version");
  version.status = reader.text("status");
  version.signature = reader.text("signature");
  version.problem = reader.text("problem");
  version.bundle.template_name = reader.text("template");
  version.bundle.version = reader.text("bundle_version");
  version.bundle.default_locale = reader.text("default_locale");
  version.manifest = reader.digest("manifest");
  version.recorded_manifest = reader.optional_digest("recorded_manifest");
  std::size_t index = 0;
  for (const auto* element : reader.elements("files")) {
    version.bundle.files.push_back(file_from_json(reader, *element, where + ".files[" + std::to_string(index++) + "]"));
  }
  if (auto read = reader.finish(); !read) parent.reject(std::move(read.error()));
  return version;
}

bj::object template_to_json(const plan::WantedTemplate& wanted) {
  bj::object one;
  one["id"] = wanted.id;
  one["name"] = wanted.name;
  one["enabled"] = wanted.enabled;
  one["deleted"] = wanted.deleted;
  one["generation"] = json_number(wanted.generation);
  one["change"] = optional_number(wanted.change);
  one["changed_at"] = wanted.changed_at;
  one["history"] = optional_number(wanted.history);
  one["problem"] = wanted.problem;
  one["current"] = version_to_json(wanted.current);
  one["previous"] = version_to_json(wanted.previous);
  return one;
}

plan::WantedTemplate template_from_json(json::ObjectReader& parent, const bj::value& value, const std::string& where) {
  json::ObjectReader reader(value, where);
  plan::WantedTemplate wanted;
  wanted.id = reader.text("id");
  wanted.name = reader.text("name");
  wanted.enabled = reader.optional_boolean("enabled").value_or(true);
  wanted.deleted = reader.optional_boolean("deleted").value_or(false);
  wanted.generation = reader.number("generation");
  wanted.change = reader.optional_number("change");
  wanted.changed_at = reader.text("changed_at");
  wanted.history = reader.optional_number("history");
  wanted.problem = reader.text("problem");
  wanted.current = version_from_json(reader, "current");
  wanted.previous = version_from_json(reader, "previous");
  if (auto read = reader.finish(); !read) parent.reject(std::move(read.error()));
  return wanted;
}

void read_moved_together(json::ObjectReader& parent, const bj::value& value, const std::string& where,
                         plan::Desired& desired) {
  json::ObjectReader reader(value, where);
  auto& names = desired.moved_together[reader.number("change")];
  for (const auto* name : reader.elements("templates")) {
    if (name->is_string()) {
      names.emplace(name->get_string());
    } else {
      reader.reject(Error(ErrorKind::damaged, where + " names no template").with_reason("json_wrong_type"));
    }
  }
  if (auto read = reader.finish(); !read) parent.reject(std::move(read.error()));
}

}  // namespace

std::string desired_to_json(const plan::Desired& desired) {
  bj::object text;
  text["format"] = 1;
  text["epoch"] = desired.epoch;
  bj::array templates;
  for (const auto& [name, wanted] : desired.templates) templates.push_back(template_to_json(wanted));
  text["templates"] = std::move(templates);
  bj::array changes;
  for (const auto& [change, names] : desired.moved_together) {
    bj::object one;
    one["change"] = json_number(change);
    bj::array moved;
    for (const auto& name : names) moved.push_back(bj::value(name));
    one["templates"] = std::move(moved);
    changes.push_back(std::move(one));
  }
  text["moved_together"] = std::move(changes);
  return bj::serialize(text);
}

Result<plan::Desired> desired_from_json(std::string_view text) {
  json::Limits limits;
  limits.bytes_max = desired_bytes_max;
  auto value = json::parse(text, "desired.json", limits);
  if (!value) return fail(as_damage(std::move(value.error())));
  json::ObjectReader reader(*value, "desired.json");
  if (const auto format = reader.number("format"); reader.ok() && format != 1) {
    reader.reject(Error(ErrorKind::damaged, "desired.json: format is " + std::to_string(format) + ", expected 1")
                      .with_reason("format_unknown"));
  }
  plan::Desired desired;
  desired.epoch = reader.text("epoch");
  std::size_t index = 0;
  for (const auto* element : reader.elements("templates")) {
    auto wanted = template_from_json(reader, *element, "desired.json: templates[" + std::to_string(index++) + "]");
    const std::string name = wanted.name;
    desired.templates[name] = std::move(wanted);
  }
  index = 0;
  for (const auto* element : reader.elements("moved_together")) {
    const std::string where = "desired.json: moved_together[" + std::to_string(index++) + "]";
    read_moved_together(reader, *element, where, desired);
  }
  if (auto read = reader.finish(); !read) return fail(as_damage(std::move(read.error())));
  return desired;
}

}  // namespace bundlesync::disk
