#include "base/json_read.hpp"
#include "bundle/path_rules.hpp"
#include "disk/layout.hpp"
#include "live/live_view.hpp"

namespace bundlesync::live {
namespace {

namespace bj = boost::json;

bj::value text_or_null(const std::string& text) {
  return text.empty() ? bj::value(nullptr) : bj::value(text);
}
bj::value number(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

Error as_damage(const Error& error) {
  return Error(ErrorKind::damaged, error.fact()).with_reason(error.reason());
}

Error damage(std::string fact, std::string_view reason) {
  return Error(ErrorKind::damaged, std::move(fact)).with_reason(reason);
}

plan::Shown shown_from_json(json::ObjectReader& parent, const bj::value& value, const std::string& where) {
  json::ObjectReader reader(value, where);
  plan::Shown shown;
  shown.tree.template_name = reader.text("template");
  shown.tree.name = reader.text("tree");
  shown.version = reader.text("version");
  shown.manifest = reader.digest("manifest_sha256");
  const std::string source = reader.text("source");
  shown.epoch = reader.text_or_empty("epoch");
  shown.template_id = reader.text_or_empty("template_id");
  shown.generation = reader.number("generation");
  shown.change = reader.optional_number("change");
  shown.activated_at = reader.text_or_empty("activated_at");
  if (reader.ok() && (bundle::name_problem(shown.tree.template_name) || !disk::layout::is_tree_name(shown.tree.name))) {
    reader.reject(
        damage(where + ": " + shown.tree.template_name + "/" + shown.tree.name + " is no tree's name", "name_invalid"));
  }
  const auto known = plan::parse_source(source);
  if (reader.ok() && !known) reader.reject(damage(reader.at("source") + " is '" + source + "'", "source_unknown"));
  if (known) shown.source = *known;
  if (auto read = reader.finish(); !read) parent.reject(std::move(read.error()));
  return shown;
}

}  // namespace

std::string view_to_json(const plan::View& view) {
  bj::object text;
  text["format"] = 1;
  text["view"] = number(view.number);
  bj::array templates;
  for (const auto& [name, shown] : view.templates) {
    bj::object one;
    one["template"] = name;
    one["tree"] = shown.tree.name;
    one["version"] = shown.version;
    one["manifest_sha256"] = shown.manifest.hex();
    one["source"] = plan::to_string(shown.source);
    one["epoch"] = text_or_null(shown.epoch);
    one["template_id"] = text_or_null(shown.template_id);
    one["generation"] = number(shown.generation);
    one["change"] = shown.change ? number(*shown.change) : bj::value(nullptr);
    one["activated_at"] = text_or_null(shown.activated_at);
    templates.push_back(std::move(one));
  }
  text["templates"] = std::move(templates);
  return json::pretty(text);
}

Result<plan::View> view_from_json(std::string_view json) {
  auto value = json::parse(json, disk::layout::view_file);
  if (!value) return fail(as_damage(value.error()));
  const std::string name(disk::layout::view_file);
  json::ObjectReader reader(*value, name);
  if (const auto format = reader.number("format"); reader.ok() && format != 1) {
    reader.reject(damage(reader.at("format") + " is " + std::to_string(format) + ", expected 1", "format_unknown"));
  }
  plan::View view;
  view.number = reader.number("view");
  std::size_t index = 0;
  for (const auto* element : reader.elements("templates")) {
    auto shown = shown_from_json(reader, *element, name + ": templates[" + std::to_string(index++) + "]");
    const std::string key = shown.tree.template_name;
    if (!view.templates.emplace(key, std::move(shown)).second) {
      reader.reject(damage(name + ": template " + key + " is there twice", "template_twice"));
    }
  }
  if (auto read = reader.finish(); !read) return fail(as_damage(read.error()));
  return view;
}

}  // namespace bundlesync::live
