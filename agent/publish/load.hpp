#pragma once

#include "bundle/bundle.hpp"
#include "bundle/manifest_file.hpp"
#include "publish/commands.hpp"

#include <map>
#include <string>

namespace bundlesync::publish {

/// A bundle's directory as it was read, once: what is hashed is what is uploaded.
struct Loaded {
  bundle::ManifestFile manifest;             ///< as read or guessed
  bundle::Bundle bundle;                     ///< complete only when `problems` holds no error
  std::map<std::string, std::string> bytes;  ///< path → content, of every file of the bundle
  bool guessed = false;                      ///< there is no manifest.json
  std::vector<Problem> problems;
  bool publishable() const { return bundle::publishable(problems); }
};

/// Reads and judges. Names given in the request override the manifest's. usage (directory_missing) is the only error;
/// all else is in `problems`.
Result<Loaded> load(const CheckRequest& request);

}  // namespace bundlesync::publish
