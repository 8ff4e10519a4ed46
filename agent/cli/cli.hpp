#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

/// The command line: what people and scripts type.
namespace bundlesync::cli {

/// Data goes to `out`, talk to `err`; colour and progress only where `err` is a terminal.
struct Streams {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
};

using Environment = std::map<std::string, std::string>;

/// Runs one command line (without the program's name) to its end and returns its exit code (base/exit_code.hpp). All
/// that goes wrong is said on `err` as "error: fact" and "hint: …".
int run(const std::vector<std::string>& arguments, const Streams& streams, const Environment& environment);

}  // namespace bundlesync::cli
