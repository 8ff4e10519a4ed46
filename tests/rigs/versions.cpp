#include "rigs/versions.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>
#include <unistd.h>

namespace bundlesync::rigs {
namespace fs = std::filesystem;

fs::path quick_directory() {
  return ::access("/dev/shm", W_OK) == 0 ? fs::path("/dev/shm") : fs::temp_directory_path();
}

void copy_tree(const fs::path& from, const fs::path& to) {
  tests::remove_tree(to);
  const auto copied = tests::run({{"/bin/cp", "-a", from.string(), to.string()}, {}, {}, {}});
  if (copied.code != 0) throw std::runtime_error("cp -a: " + copied.err);
}

std::size_t stages_below(const fs::path& target) {
  std::size_t count = 0;
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(target / "..bundlesync" / "trees", none)) {
    if (entry.path().filename().string().starts_with(".stage-")) ++count;
  }
  return count;
}

Versions::Versions(int files_in_bundle) : files_in_bundle_(files_in_bundle) {
  server_.exec(database_, "create role prompts_agent login in role bundlesync_agent");
}

tests::Files Versions::files_of(const std::string& version) const {
  tests::Files files{{"shared.md", "the same in every version\n"}};
  for (int i = 1; i < files_in_bundle_; ++i) {
    files[fmt::format("part/{:02}.md", i)] =
        fmt::format("# alpha {} part {}\n{}\n", version, i, std::string(static_cast<std::size_t>(700 + i), 'x'));
  }
  return files;
}

void Versions::publish(const std::string& version) {
  const auto files = files_of(version);
  const fs::path bundle = home_ / ("bundle-" + version);
  for (const auto& [path, bytes] : files) {
    fs::create_directories((bundle / path).parent_path());
    std::ofstream(bundle / path, std::ios::binary) << bytes;
  }
  const auto ended = tests::run(
      {{BUNDLESYNC_PROGRAM, "publish", bundle.string(), "--template", "alpha", "--version", version, "--set-default"},
       {{"BUNDLESYNC_DATABASE_URL", server_.url(database_)}, {"BUNDLESYNC_STORAGE_URL", store_.url()}},
       {},
       {}});
  if (ended.code != 0) throw std::runtime_error("publish: " + ended.err);
  oracle_.add("alpha", version, files);
}

void Versions::move(const std::string& version) {
  server_.exec(database_,
               fmt::format("update public.templates set default_version_id = (select v.id from "
                           "public.template_versions v where v.template_id = templates.id and v.semver = '{}')",
                           version));
}

std::string Versions::moment() {
  return server_.create_database(database_);
}

tests::Command Versions::once(const fs::path& target, const std::string& moment, const tests::Environment& more) const {
  tests::Environment environment = more;
  environment.insert({{"BUNDLESYNC_TARGET", target.string()},
                      {"BUNDLESYNC_TEMPLATES", "alpha"},
                      {"BUNDLESYNC_DATABASE_URL", server_.url(moment, "prompts_agent")},
                      {"BUNDLESYNC_STORAGE_URL", store_.url()},
                      {"BUNDLESYNC_HTTP_LISTEN", "off"},
                      {"BUNDLESYNC_LOG_FORMAT", "text"},
                      {"FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE", "true"}});
  // The gate reads the agent's memory, which a confined agent shows to root alone.
  if (::geteuid() != 0) environment["BUNDLESYNC_CONFINE"] = "false";
  return {{BUNDLESYNC_PROGRAM, "agent", "--once", "--strict", "--timeout", "20s"}, environment, {}, {}};
}

void Versions::converge(const fs::path& target, const std::string& moment, const tests::Environment& more) {
  const auto ended = tests::run(once(target, moment, more));
  if (ended.code != 0)
    throw std::runtime_error("the agent ended with " + std::to_string(ended.code) + ": " + ended.err);
}

}  // namespace bundlesync::rigs
