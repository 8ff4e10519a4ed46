#include "cli/cli.hpp"

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

bundlesync::cli::Environment environment_of_this_process() {
  bundlesync::cli::Environment environment;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const auto equals = text.find('=');
    // The first of two equal names is the one that getenv() gives.
    if (equals != std::string::npos) environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    const bundlesync::cli::Streams streams{std::cout, std::cerr, ::isatty(STDOUT_FILENO) == 1,
                                           ::isatty(STDERR_FILENO) == 1};
    return bundlesync::cli::run(arguments, streams, environment_of_this_process());
  } catch (const std::exception& unexpected) {
    std::cerr << "error: unexpected: " << unexpected.what() << '\n';
  } catch (...) {
    std::cerr << "error: unexpected\n";
  }
  return EXIT_FAILURE;
}
