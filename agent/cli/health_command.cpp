#include "cli/output.hpp"
#include "cli/probe.hpp"
#include "cli/verbs.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <ostream>

namespace bundlesync::cli {
namespace {

/// Of several targets --target picks the one that must be ready; whether the agent lives is one question for all.
std::string page_of(const settings::Settings& settings, bool ready) {
  if (!ready) return "/healthz";
  const auto picked = std::ranges::find(settings.targets, settings.target, &settings::Target::path);
  return settings.targets.size() < 2 || picked == settings.targets.end() ? "/readyz" : "/readyz/" + picked->name;
}

}  // namespace

Result<ExitCode> health(const Context& context, bool ready) {
  auto settings = context.settings(settings::Purpose::looking);
  if (!settings) return fail(settings.error());
  if (!settings->http_listen) {
    return fail(ErrorKind::unavailable, "http.listen is off: the agent cannot be asked",
                "set http.listen for the agent and for this command");
  }
  auto answer = probe(*settings->http_listen, page_of(*settings, ready), std::chrono::seconds(2));
  if (!answer) return fail(answer.error());
  while (answer->body.ends_with('\n')) answer->body.pop_back();
  const bool good = answer->status == 200;
  if (context.json) {
    boost::json::object object = document();
    object["asked"] = ready ? "readyz" : "healthz";
    object["good"] = good;
    object["status"] = answer->status;
    object["text"] = answer->body;
    print_json(context.out(), object);
  } else {
    context.out() << shown(answer->body) << '\n';
  }
  return good ? ExitCode::done : ExitCode::failed;
}

}  // namespace bundlesync::cli
