#pragma once

#include "base/error.hpp"
#include "settings/settings.hpp"

#include <map>
#include <string>

namespace bundlesync::settings {

/// A text that somebody gave for an option, and where.
struct Given {
  std::string text;
  std::string where;          ///< "agent.yaml:3:9", "BUNDLESYNC_TARGET", "--target"
  bool names_a_file = false;  ///< the text is the path of a file that holds the secret
};

/// Given texts by option key.
using GivenMap = std::map<std::string, Given, std::less<>>;

/// Reads settings from YAML: nested (`retention: {age: 1h}`) or dotted (`retention.age: 1h`) keys, secrets also as
/// `<key>_file`. Null is not given. Errors (usage) with name, line and column: no YAML, several documents, an unknown
/// key with the nearest known one, a key twice, a map or list where a value belongs.
Result<GivenMap> read_yaml(const YamlText& yaml);

}  // namespace bundlesync::settings
