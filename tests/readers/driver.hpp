#pragma once

#include "support/process.hpp"
#include "support/reader.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

/// The recipes of deploy/readers, each run by a small program in its language that loads the recipe's own file.
///
/// A driver is called with the target, a directory for what it finds, and the names ("template/path") to read. It
/// reads them by the recipe's reading function and by what reads again after changes, over and over, until there is a
/// file `stop` in its directory; then once more. It leaves every distinct result in seen-<n>/<name>, what the latter
/// gave last in last/<name>, errors on stderr, and one line `reads=… errors=… changes=…` on stdout.
namespace bundlesync::tests {

/// bash, python, node, go, cpp: in this order.
const std::vector<std::string>& languages();

struct DriverReport {
  int code = 0;  ///< its exit code, or minus the signal
  std::uint64_t reads = 0;
  std::uint64_t errors = 0;
  std::uint64_t changes = 0;                             ///< that what reads again after changes noticed
  std::vector<std::map<std::string, std::string>> seen;  ///< distinct results, by name
  std::map<std::string, std::string> last;
  std::string err;
};

class Driver {
 public:
  /// Starts it. `out` must exist and be empty, or hold `stop` for one read only.
  Driver(const std::string& language, const std::filesystem::path& target, std::filesystem::path out,
         const std::vector<std::string>& names);
  /// Tells it to stop, and what it found. Throws std::runtime_error when it does not end within half a minute.
  DriverReport stop();

 private:
  std::filesystem::path out_;
  Process process_;
};

/// The files of one template among names that begin with it.
Files files_below(const std::map<std::string, std::string>& by_name, const std::string& template_name);

}  // namespace bundlesync::tests
