#include "disk/state_json.hpp"

#include "base/json_read.hpp"
#include "bundle/path_rules.hpp"
#include "disk/layout.hpp"

namespace bundlesync::disk {
namespace {

namespace bj = boost::json;
constexpr std::uint64_t format_known = 1;

std::int64_t json_number(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}

void check_format(json::ObjectReader& reader) {
  const auto format = reader.number("format");
  if (!reader.ok() || format == format_known) return;
  reader.reject(Error(ErrorKind::damaged, reader.at("format") + " is " + std::to_string(format) + ", expected " +
                                              std::to_string(format_known))
                    .with_reason("format_unknown"));
}

Result<void> read_accepted(const bj::value& value, const std::string& where, plan::AcceptedMap& accepted) {
  json::ObjectReader reader(value, where);
  plan::AcceptedKey key;
  key.epoch = reader.text("epoch");
  key.template_id = reader.text("template_id");
  plan::Accepted entry;
  entry.generation = reader.number("generation");
  entry.version = reader.text("version");
  entry.manifest = reader.digest("manifest");
  if (auto read = reader.finish(); !read) return read;
  accepted[std::move(key)] = std::move(entry);
  return {};
}

Result<void> read_tree(const bj::value& value, const std::string& where, std::map<plan::TreeId, Digest>& trees) {
  json::ObjectReader reader(value, where);
  plan::TreeId tree;
  tree.template_name = reader.text("template");
  tree.name = reader.text("tree");
  const Digest manifest = reader.digest("manifest");
  if (reader.ok() && (bundle::name_problem(tree.template_name) || !layout::is_tree_name(tree.name))) {
    reader.reject(Error(ErrorKind::damaged, where + ": " + tree.template_name + "/" + tree.name + " is no tree's name")
                      .with_reason("name_invalid"));
  }
  if (auto read = reader.finish(); !read) return read;
  trees[std::move(tree)] = manifest;
  return {};
}

}  // namespace

Error as_damage(Error error) {
  Error damage(ErrorKind::damaged, error.fact());
  return std::move(damage).with_reason(error.reason());
}

std::string state_to_json(const State& state) {
  bj::object text;
  text["format"] = json_number(format_known);
  text["last_view"] = json_number(state.last_view);
  text["epoch"] = state.epoch;
  bj::array accepted;
  for (const auto& [key, entry] : state.accepted) {
    bj::object one;
    one["epoch"] = key.epoch;
    one["template_id"] = key.template_id;
    one["generation"] = json_number(entry.generation);
    one["version"] = entry.version;
    one["manifest"] = entry.manifest.hex();
    accepted.push_back(std::move(one));
  }
  text["accepted"] = std::move(accepted);
  bj::array trees;
  for (const auto& [tree, manifest] : state.trees) {
    bj::object one;
    one["template"] = tree.template_name;
    one["tree"] = tree.name;
    one["manifest"] = manifest.hex();
    trees.push_back(std::move(one));
  }
  text["trees"] = std::move(trees);
  return json::pretty(text);
}

Result<State> state_from_json(std::string_view text) {
  json::Limits limits;
  limits.bytes_max = state_bytes_max;
  auto value = json::parse(text, "state.json", limits);
  if (!value) return fail(as_damage(std::move(value.error())));
  json::ObjectReader reader(*value, "state.json");
  check_format(reader);
  State state;
  state.last_view = reader.number("last_view");
  state.epoch = reader.text("epoch");
  std::size_t index = 0;
  for (const auto* element : reader.elements("accepted")) {
    auto read = read_accepted(*element, "state.json: accepted[" + std::to_string(index++) + "]", state.accepted);
    if (!read) reader.reject(std::move(read.error()));
  }
  index = 0;
  for (const auto* element : reader.elements("trees")) {
    auto read = read_tree(*element, "state.json: trees[" + std::to_string(index++) + "]", state.trees);
    if (!read) reader.reject(std::move(read.error()));
  }
  if (auto read = reader.finish(); !read) return fail(as_damage(std::move(read.error())));
  return state;
}

std::string vetoes_to_json(const Vetoes& vetoes) {
  bj::object text;
  text["format"] = json_number(format_known);
  bj::array list;
  for (const auto& [content, veto] : vetoes) {
    bj::object one;
    one["template"] = content.template_name;
    one["version"] = content.version;
    one["manifest"] = content.manifest.hex();
    one["generation"] = json_number(veto.generation);
    one["text"] = veto.text;
    list.push_back(std::move(one));
  }
  text["vetoes"] = std::move(list);
  return json::pretty(text);
}

Result<Vetoes> vetoes_from_json(std::string_view text) {
  json::Limits limits;
  limits.bytes_max = state_bytes_max;
  auto value = json::parse(text, "vetoes.json", limits);
  if (!value) return fail(as_damage(std::move(value.error())));
  json::ObjectReader reader(*value, "vetoes.json");
  check_format(reader);
  Vetoes vetoes;
  std::size_t index = 0;
  for (const auto* element : reader.elements("vetoes")) {
    json::ObjectReader one(*element, "vetoes.json: vetoes[" + std::to_string(index++) + "]");
    plan::ContentKey content;
    content.template_name = one.text("template");
    content.version = one.text("version");
    content.manifest = one.digest("manifest");
    plan::Validation veto;
    veto.answer = plan::Validation::Answer::vetoed;
    veto.generation = one.number("generation");
    veto.text = one.text("text");
    if (auto read = one.finish(); !read) return fail(as_damage(std::move(read.error())));
    vetoes[std::move(content)] = std::move(veto);
  }
  if (auto read = reader.finish(); !read) return fail(as_damage(std::move(read.error())));
  return vetoes;
}

}  // namespace bundlesync::disk
