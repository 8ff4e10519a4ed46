#include "settings/target_list.hpp"

#include "base/json_read.hpp"
#include "bundle/path_rules.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>

namespace bundlesync::settings {
namespace {

constexpr const char* kManner = R"(write it as [{"path": "/prompts/med", "templates": ["section7*"]}, …])";

/// One of the list. Its members are judged as the options of the same name are.
class Entry {
 public:
  Entry(const boost::json::value& json, std::size_t index)
      : where_("targets[" + std::to_string(index) + "]"), members_(json, where_) {}

  Result<Target> read() {
    Target target;
    const std::string path = members_.text("path");
    target.name = members_.text_or_empty("name");
    const std::string templates = names();
    if (auto good = members_.finish(); !good) return wrong(good.error());
    auto path_value = parse_value(*find_option("target"), path);
    if (!path_value) return wrong(std::move(path_value.error()).within("path"));
    auto names_value = parse_value(*find_option("templates"), templates);
    if (!names_value) return wrong(std::move(names_value.error()).within("templates"));
    target.path = std::move(path_value->text);
    target.templates = std::move(names_value->names);
    if (target.name.empty()) target.name = target.path.substr(target.path.rfind('/') + 1);
    if (const auto problem = bundle::name_problem(target.name)) {
      return fail(ErrorKind::usage, where_ + ": '" + target.name + "' is no name of a target",
                  std::string(bundle::describe_problem(*problem)));
    }
    return target;
  }

 private:
  /// A list, or names with commas between them.
  std::string names() {
    const auto* value = members_.value("templates");
    if (value == nullptr || value->is_string()) return value == nullptr ? "" : std::string(value->as_string());
    if (!value->is_array()) {
      members_.reject(Error(ErrorKind::refused, members_.at("templates") + ": expected a list of names"));
      return {};
    }
    std::string all;
    for (const auto& element : value->as_array()) {
      if (!element.is_string()) {
        members_.reject(Error(ErrorKind::refused, members_.at("templates") + ": expected a list of names"));
        return {};
      }
      all += (all.empty() ? "" : ",") + std::string(element.as_string());
    }
    return all;
  }

  std::unexpected<Error> wrong(const Error& error) const {
    const bool says_where = error.fact().starts_with(where_);
    Error mine(ErrorKind::usage, says_where ? error.fact() : where_ + ": " + error.fact());
    for (const auto& hint : error.hints()) mine = std::move(mine).with_hint(hint);
    return fail(error.hints().empty() ? std::move(mine).with_hint(kManner) : std::move(mine));
  }

  const std::string where_;
  json::ObjectReader members_;
};

bool lies_in(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

Result<void> judge_beside(const Target& target, const std::vector<Target>& others) {
  for (const auto& other : others) {
    if (lies_in(target.path, other.path) || lies_in(other.path, target.path)) {
      return fail(ErrorKind::usage, "targets '" + other.path + "' and '" + target.path + "' are inside each other",
                  "give each target a directory of its own");
    }
    if (target.name == other.name) {
      return fail(ErrorKind::usage,
                  "targets '" + other.path + "' and '" + target.path + "' are both named '" + target.name + "'",
                  R"(give one of them another "name": it stands in logs, metrics and addresses)");
    }
  }
  return {};
}

std::string to_text(const std::vector<Target>& targets) {
  boost::json::array list;
  for (const auto& target : targets) {
    boost::json::object object;
    object["name"] = target.name;
    object["path"] = target.path;
    object["templates"] = boost::json::array(target.templates.begin(), target.templates.end());
    list.push_back(std::move(object));
  }
  return boost::json::serialize(list);
}

}  // namespace

Result<Value> parse_targets(std::string_view text) {
  auto json = json::parse(text, "targets");
  if (!json) return fail(Error(ErrorKind::usage, json.error().fact(), kManner));
  if (!json->is_array()) return fail(ErrorKind::usage, "targets is no list", kManner);
  const auto& list = json->as_array();
  if (list.empty() || list.size() > targets_max) {
    return fail(ErrorKind::usage,
                std::to_string(list.size()) + " targets, allowed are 1 to " + std::to_string(targets_max), kManner);
  }
  Value value;
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto target = Entry(list[i], i).read();
    if (!target) return fail(std::move(target).error());
    if (auto good = judge_beside(*target, value.targets); !good) return fail(std::move(good).error());
    value.targets.push_back(std::move(*target));
  }
  value.text = to_text(value.targets);
  return value;
}

}  // namespace bundlesync::settings
