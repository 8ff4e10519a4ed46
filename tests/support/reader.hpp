#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// An app, as the README tells apps to read; and what it should find.
namespace bundlesync::tests {

using Files = std::map<std::string, std::string>;  ///< path to bytes

/// Every version that was ever published, byte for byte.
class Oracle {
 public:
  void add(const std::string& template_name, const std::string& version, Files files);
  const Files& files(const std::string& template_name, const std::string& version) const;
  /// The version that these files are, all of them and no others; nothing when they are none.
  std::optional<std::string> version_of(const std::string& template_name, const Files& seen) const;

 private:
  std::map<std::string, std::map<std::string, Files>> versions_;
};

/// What a look found. `version` is empty when there is nothing to see; torn: what was read is no version at all.
struct Look {
  std::string version;
  bool torn = false;
};

class Reader {
 public:
  Reader(std::filesystem::path target, const Oracle& oracle) : target_(std::move(target)), oracle_(&oracle) {}

  /// Opens the template's directory once and reads every file relative to it; starts again on ENOENT and ESTALE.
  Look look(const std::string& template_name);
  /// Pins one view (opens ..data once) and reads these templates below it.
  std::map<std::string, Look> look_at_view(const std::vector<std::string>& template_names);
  /// How often a read had to start again because a file was gone under it.
  std::uint64_t restarts() const { return restarts_; }

 private:
  std::filesystem::path target_;
  const Oracle* oracle_;
  std::uint64_t restarts_ = 0;
};

/// "" when there is no such link.
std::string view_link(const std::filesystem::path& target);

/// Everything below a directory that stat(2) and read(2) tell of it and that must not change when it is only read:
/// path to "type mode owner inode mtime size bytes-or-target".
std::map<std::string, std::string> fingerprint(const std::filesystem::path& directory);

}  // namespace bundlesync::tests
