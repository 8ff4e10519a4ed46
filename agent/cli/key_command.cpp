#include "cli/key_file.hpp"
#include "cli/verbs.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <ostream>

namespace bundlesync::cli {
namespace {

void print_key(const Context& context, const std::string& file, const bundle::PublicKey& key) {
  if (!context.json) {
    context.out() << key.text() << '\n';
    return;
  }
  boost::json::object object = document();
  object["public_key"] = key.text();
  object["key_id"] = key.id();
  object["file"] = file;
  print_json(context.out(), object);
}

}  // namespace

Result<ExitCode> key_generate(const Context& context, const std::string& file) {
  auto key = bundle::SigningKey::generate();
  if (!key) return fail(key.error());
  if (auto written = write_signing_key(file, *key); !written) return fail(written.error());
  print_key(context, file, key->public_key());
  print_note(context.streams,
             fmt::format("the private key is in '{}' (mode 0600): keep it where only publishers read it; "
                         "trust.keys of agents takes the public key above",
                         file));
  return ExitCode::done;
}

Result<ExitCode> key_show(const Context& context, const std::string& file) {
  auto key = read_signing_key(context.streams, file);
  if (!key) return fail(key.error());
  print_key(context, file, key->public_key());
  return ExitCode::done;
}

}  // namespace bundlesync::cli
