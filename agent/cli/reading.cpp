#include "cli/reading.hpp"

#include "base/nearest.hpp"
#include "cli/output.hpp"
#include "disk/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

namespace bundlesync::cli {
namespace {

/// Where the agent's own word cannot be had: what the view itself says.
report::Status status_of_view(const ReadTarget& from) {
  report::Status status;
  status.target = from.target->path().string();
  status.view = from.view.number;
  for (const auto& [name, shown] : from.view.templates) {
    report::TemplateLine line;
    line.name = name;
    line.state = "unknown";
    line.version = shown.version;
    line.manifest_sha256 = shown.manifest.hex();
    line.source = plan::to_string(shown.source);
    line.since = shown.activated_at;
    line.generation = shown.generation;
    line.path = (from.target->path() / name).string();
    status.templates.push_back(std::move(line));
  }
  return status;
}

}  // namespace

std::filesystem::path ReadTarget::tree_path(const plan::TreeId& tree) const {
  std::error_code unknown;
  std::filesystem::path root = std::filesystem::canonical(target->path(), unknown);
  if (unknown) root = target->path();
  return root / disk::layout::own_dir / disk::layout::trees_dir / tree.template_name / tree.name;
}

Result<std::unique_ptr<ReadTarget>> read_target(const std::string& path) {
  auto opened = std::make_unique<ReadTarget>();
  disk::Target::Options options;
  options.path = path;
  auto target = disk::Target::open_readonly(opened->files, options);
  if (!target) return fail(target.error());
  opened->target = std::move(*target);
  opened->state = disk::StateStore::make(*opened->target);
  opened->trees = disk::Trees::make(*opened->target);
  opened->live = live::LiveView::make(*opened->target, *opened->state);
  auto view = opened->live->read();
  if (!view) return fail(view.error());
  opened->view = std::move(*view);
  return opened;
}

Result<plan::Shown> find_shown(const plan::View& view, const std::string& name) {
  const auto found = view.templates.find(name);
  if (found != view.templates.end()) return found->second;
  std::vector<std::string_view> names;
  for (const auto& [shown, unused] : view.templates) names.push_back(shown);
  Error error(ErrorKind::not_found, fmt::format("the target shows no template '{}'", name));
  if (const auto meant = nearest(name, names)) {
    error = std::move(error).with_hint(fmt::format("did you mean {}?", *meant));
  } else {
    error = std::move(error).with_hint("bundlesync status lists what is shown");
  }
  return fail(std::move(error).with_reason("template_unknown"));
}

Result<report::Status> read_status(const ReadTarget& from, const Streams& streams) {
  auto text = from.state->load_status();
  if (text) {
    auto status = report::status_from_json(*text);
    if (!status) return fail(std::move(status.error()).within("the agent's status"));
    return status;
  }
  const bool unreadable = text.error().kind() == ErrorKind::unauthorised;
  if (!unreadable && text.error().kind() != ErrorKind::not_found) return fail(text.error());
  print_note(streams, unreadable ? "this user may not read the agent's state: only what is shown is known "
                                   "(hint: run it as the agent's user, or ask /status)"
                                 : "the agent has not said anything yet: only what is shown is known");
  return status_of_view(from);
}

Result<std::optional<bundle::Bundle>> find_bundle(const ReadTarget& from, const plan::Shown& shown) {
  auto trees = from.trees->list();
  if (!trees) return fail(trees.error());
  const auto tree = std::ranges::find(*trees, shown.tree, &disk::TreeInfo::id);
  if (tree == trees->end() || tree->manifest != shown.manifest) return std::nullopt;
  return std::move(tree->bundle);
}

}  // namespace bundlesync::cli
