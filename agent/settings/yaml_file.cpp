#include "settings/yaml_file.hpp"

#include "base/nearest.hpp"
#include "settings/option.hpp"

#include <boost/json.hpp>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>
#include <vector>

namespace bundlesync::settings {
namespace {

constexpr std::size_t yaml_bytes_max = 1 << 20;

std::string place(const YamlText& yaml, const YAML::Mark& mark) {
  if (mark.is_null()) return yaml.name;
  return yaml.name + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

/// A key as it may be written: that of an option, or of a secret's file.
struct KnownKey {
  std::string text;
  const Option* option;
  bool names_a_file;
};

const std::vector<KnownKey>& known_keys() {
  static const std::vector<KnownKey> keys = [] {
    std::vector<KnownKey> all;
    for (const auto& option : options()) {
      all.push_back(KnownKey{std::string(option.key), &option, false});
      if (option.type == Type::secret) all.push_back(KnownKey{std::string(option.key) + "_file", &option, true});
    }
    return all;
  }();
  return keys;
}

constexpr int kNodesMax = 10'000;

/// As JSON has it: what is plain is a text. Aliases can make much of little: no more than `budget` nodes are looked at.
boost::json::value to_json(const YAML::Node& node, int& budget) {
  if (--budget < 0) return nullptr;
  if (node.IsSequence()) {
    boost::json::array array;
    for (const auto& element : node) {
      if (budget > 0) array.push_back(to_json(element, budget));
    }
    return array;
  }
  if (node.IsMap()) {
    boost::json::object object;
    for (const auto& member : node) {
      if (budget > 0) object[member.first.Scalar()] = to_json(member.second, budget);
    }
    return object;
  }
  if (node.IsNull()) return nullptr;
  return boost::json::value(node.Scalar());
}

class Reader {
 public:
  explicit Reader(const YamlText& yaml) : yaml_(yaml) {}

  Result<void> read(const YAML::Node& map, const std::string& prefix) {
    for (const auto& member : map) {
      const auto mark = member.first.Mark();
      if (!member.first.IsScalar()) return fail(ErrorKind::usage, place(yaml_, mark) + ": a key must be a plain text");
      const std::string key = prefix + member.first.Scalar();
      if (auto done = take(key, mark, member.second); !done) return done;
    }
    return {};
  }

  GivenMap given;

 private:
  Result<void> take(const std::string& key, const YAML::Mark& mark, const YAML::Node& node) {
    const auto& keys = known_keys();
    if (const auto known = std::ranges::find(keys, key, &KnownKey::text); known != keys.end()) {
      return take_value(*known, mark, node);
    }
    const bool is_group =
        std::ranges::any_of(keys, [&key](const KnownKey& k) { return k.text.starts_with(key + "."); });
    if (!is_group) return unknown(key, mark);
    if (node.IsNull()) return {};
    if (!node.IsMap())
      return fail(ErrorKind::usage, place(yaml_, mark) + ": " + key + " takes no value", group_hint(key));
    return read(node, key + ".");
  }

  Result<void> take_value(const KnownKey& known, const YAML::Mark& mark, const YAML::Node& node) {
    const std::string where = place(yaml_, mark) + ": " + known.text;
    if (node.IsNull()) return {};
    Given value;
    value.where = place(yaml_, node.Mark());
    value.names_a_file = known.names_a_file;
    if (node.IsScalar()) {
      value.text = node.Scalar();
    } else if (node.IsSequence() && known.option->type == Type::targets) {
      int budget = kNodesMax;
      value.text = boost::json::serialize(to_json(node, budget));
    } else if (node.IsSequence() && known.option->type == Type::words) {
      boost::json::array words;
      for (const auto& element : node) {
        if (!element.IsScalar())
          return fail(ErrorKind::usage, place(yaml_, element.Mark()) + ": " + known.text + ": expected a text");
        words.emplace_back(element.Scalar());
      }
      value.text = boost::json::serialize(words);
    } else if (node.IsSequence() && (known.option->type == Type::names || known.option->type == Type::keys)) {
      for (const auto& element : node) {
        if (!element.IsScalar())
          return fail(ErrorKind::usage, place(yaml_, element.Mark()) + ": " + known.text + ": expected a text");
        value.text += (value.text.empty() ? "" : ",") + element.Scalar();
      }
    } else {
      return fail(ErrorKind::usage, where + ": expected a value, got a " + (node.IsMap() ? "map" : "list"));
    }
    const auto [before, is_new] = given.emplace(std::string(known.option->key), std::move(value));
    if (!is_new) {
      return fail(ErrorKind::usage, where + " is given twice, first at " + before->second.where, "keep one of the two");
    }
    return {};
  }

  Result<void> unknown(const std::string& key, const YAML::Mark& mark) {
    std::vector<std::string_view> candidates;
    for (const auto& known : known_keys()) candidates.emplace_back(known.text);
    for (const auto& known : known_keys()) {
      const auto dot = known.text.find('.');
      if (dot != std::string::npos) candidates.push_back(std::string_view(known.text).substr(0, dot));
    }
    const auto meant = nearest(key, candidates);
    return fail(ErrorKind::usage, place(yaml_, mark) + ": unknown key '" + key + "'",
                meant ? "did you mean '" + std::string(*meant) + "'?" : "bundlesync config reference lists all keys");
  }

  static std::string group_hint(const std::string& key) {
    std::string hint;
    for (const auto& known : known_keys()) {
      if (known.text.starts_with(key + ".")) hint += (hint.empty() ? "it has " : ", ") + known.text;
    }
    return hint;
  }

  const YamlText& yaml_;
};

/// Where documents begin, and nothing else.
class DocumentStarts final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { starts.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  std::vector<YAML::Mark> starts;
};

/// A character that can begin nothing (a comma) is an empty document to yaml-cpp 0.7, and then another, without end:
/// LoadAll() would never return. Documents are counted first, and one that begins where the last one did is no YAML.
Result<void> check_documents(const YamlText& yaml) {
  std::istringstream text(yaml.text);
  YAML::Parser parser(text);
  DocumentStarts documents;
  while (documents.starts.size() < 4 && parser.HandleNextDocument(documents)) {
  }
  for (std::size_t i = 1; i < documents.starts.size(); ++i) {
    if (documents.starts[i].pos != documents.starts[i - 1].pos) continue;
    return fail(ErrorKind::usage, place(yaml, documents.starts[i]) + ": not yaml: nothing begins with this character");
  }
  if (documents.starts.size() < 3) return {};
  return fail(ErrorKind::usage, place(yaml, documents.starts[1]) + ": a second document", "settings are one document");
}

}  // namespace

Result<GivenMap> read_yaml(const YamlText& yaml) {
  if (yaml.text.size() > yaml_bytes_max) {
    return fail(ErrorKind::usage, yaml.name + " has " + std::to_string(yaml.text.size()) + " bytes, the limit is " +
                                      std::to_string(yaml_bytes_max));
  }
  Reader reader(yaml);
  try {
    if (auto checked = check_documents(yaml); !checked) return fail(std::move(checked).error());
    const auto documents = YAML::LoadAll(yaml.text);
    if (documents.size() > 1) {
      return fail(ErrorKind::usage, place(yaml, documents[1].Mark()) + ": a second document",
                  "settings are one document");
    }
    if (documents.empty() || documents[0].IsNull()) return reader.given;
    if (!documents[0].IsMap()) {
      return fail(ErrorKind::usage, place(yaml, documents[0].Mark()) + ": expected keys and values",
                  "write it as target: /prompts");
    }
    if (auto done = reader.read(documents[0], ""); !done) return fail(std::move(done).error());
  } catch (const YAML::Exception& error) {
    Error wrong(ErrorKind::usage, place(yaml, error.mark) + ": not yaml: " + error.msg);
    // `templates: *` is what people write first, and an alias to YAML.
    if (error.msg.find("alias") != std::string::npos)
      wrong = std::move(wrong).with_hint("a value that begins with '*' needs quotes: \"*\"");
    return fail(std::move(wrong));
  }
  return std::move(reader.given);
}

}  // namespace bundlesync::settings
