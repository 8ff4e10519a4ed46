#include "cli/version.hpp"

#include "cli/commit.hpp"
#include "cli/verbs.hpp"

#include <boost/json.hpp>
#include <boost/version.hpp>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <openssl/crypto.h>

#include <ostream>

namespace bundlesync::cli {
namespace {

/// 150020 is 15.20.
std::string libpq_version() {
  constexpr int kMajor = 10000;
  return fmt::format("{}.{}", ::PQlibVersion() / kMajor, ::PQlibVersion() % kMajor);
}

}  // namespace

std::string_view version() {
  return BUNDLESYNC_VERSION;
}

/// What was built, by what, and the libraries that this process runs with (Boost is headers: built with).
Result<ExitCode> show_version(const Context& context) {
  if (!context.json) {
    context.out() << "bundlesync " << version() << '\n';
    return ExitCode::done;
  }
  boost::json::object object = document();
  object["version"] = version();
  object["commit"] = text_or_null(BUNDLESYNC_COMMIT);
  object["compiler"] = fmt::format("{} {}", BUNDLESYNC_COMPILER, __VERSION__);
  object["build_type"] = BUNDLESYNC_BUILD_TYPE;
  object["libpq"] = libpq_version();
  object["openssl"] = ::OpenSSL_version(OPENSSL_VERSION_STRING);
  object["boost"] = fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
  print_json(context.out(), object);
  return ExitCode::done;
}

}  // namespace bundlesync::cli
