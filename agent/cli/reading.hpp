#pragma once

#include "base/error.hpp"
#include "bundle/bundle.hpp"
#include "cli/cli.hpp"
#include "disk/state.hpp"
#include "disk/target.hpp"
#include "disk/trees.hpp"
#include "live/live_view.hpp"
#include "plan/observed.hpp"
#include "report/status.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace bundlesync::cli {

/// The kernel's files, for looking only: what a look would mend in passing (modes) stays as it is.
class LookingFiles final : public disk::RealFiles {
 public:
  disk::Sys<void> chmod(int, mode_t) override { return {}; }
  disk::Sys<void> chmod_at(int, const std::string&, mode_t) override { return std::unexpected(EROFS); }
};

/// A target that a command looks at: no lock, no change.
struct ReadTarget {
  LookingFiles files;
  std::unique_ptr<disk::Target> target;
  std::unique_ptr<disk::StateStore> state;
  std::unique_ptr<disk::Trees> trees;
  std::unique_ptr<live::LiveView> live;
  plan::View view;

  /// The absolute path of a tree, no link on the way.
  std::filesystem::path tree_path(const plan::TreeId& tree) const;
};

/// Opens a target and reads what it shows. not_found where no agent ever ran, with what to do.
Result<std::unique_ptr<ReadTarget>> read_target(const std::string& path);

/// What is shown under this name; not_found (reason template_unknown) with the nearest name as a hint.
Result<plan::Shown> find_shown(const plan::View& view, const std::string& name);

/// What the agent said last of itself; where it cannot be had (this user may not read it, no agent has said anything
/// yet), what the view itself says, and a note. Errors: refused (of another version).
Result<report::Status> read_status(const ReadTarget& from, const Streams& streams);

/// What the tree that is shown says of itself; nothing where that is not what was accepted.
Result<std::optional<bundle::Bundle>> find_bundle(const ReadTarget& from, const plan::Shown& shown);

}  // namespace bundlesync::cli
