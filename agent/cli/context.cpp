#include "cli/small_file.hpp"
#include "cli/verbs.hpp"

#include <optional>

namespace bundlesync::cli {
namespace {

Result<std::optional<settings::YamlText>> read_config(const std::string& path) {
  if (path.empty()) return std::nullopt;
  auto text = read_small_file(path);
  if (!text)
    return fail(Error(ErrorKind::usage, text.error().fact(), "--config and BUNDLESYNC_CONFIG name a YAML file"));
  settings::YamlText yaml;
  yaml.name = path;
  yaml.text = std::move(*text);
  return yaml;
}

}  // namespace

Result<settings::Settings> Context::settings(settings::Purpose purpose) const {
  std::string path = config;
  const auto variable = environment.find("BUNDLESYNC_CONFIG");
  if (path.empty() && variable != environment.end()) path = variable->second;
  auto yaml = read_config(path);
  if (!yaml) return fail(yaml.error());
  settings::Sources sources;
  sources.yaml = std::move(*yaml);
  sources.environment = environment;
  sources.flags = flags;
  sources.purpose = purpose;
  sources.read_file = read_small_file;
  auto loaded = settings::load(sources);
  // The agent logs them itself, and check and print put them where they belong.
  if (loaded && purpose != settings::Purpose::agent) {
    for (const auto& warning : loaded->warnings) print_note(streams, warning);
  }
  return loaded;
}

Result<settings::Settings> Context::settings_with_target() const {
  auto loaded = settings(settings::Purpose::looking);
  if (!loaded || !loaded->target.empty()) return loaded;
  if (loaded->targets.empty()) return fail(settings::missing("target"));
  std::string paths;
  for (const auto& target : loaded->targets) paths += (paths.empty() ? "" : ", ") + target.path;
  return fail(ErrorKind::usage, "targets names several directories: " + paths,
              "--target " + loaded->targets.front().path + " says which is meant");
}

}  // namespace bundlesync::cli
