#include "cli/reading.hpp"

#include "base/nearest.hpp"
#include "disk/layout.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <string_view>
#include <vector>

namespace bundlesync::cli {

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

}  // namespace bundlesync::cli
