#pragma once

#include "disk/files.hpp"

#include <optional>
#include <sys/types.h>

namespace bundlesync::disk {

/// Who may read what apps see.
struct Access {
  mode_t file_mode = 0444;
  mode_t dir_mode = 0555;    ///< of directories in trees and views; those of ours above them are writable for us, too
  std::optional<gid_t> gid;  ///< absent: the group that the agent creates files with
};

/// The kernel's files, with the access that the operator wants: whenever a file or directory is given the mode that
/// readers see (layout.hpp), it is given the wanted mode and group instead. That happens while it is still in a stage,
/// so nothing is ever visible with other rights. What is private stays private.
class GrantedFiles final : public RealFiles {
 public:
  explicit GrantedFiles(Access access) : access_(access) {}

  Sys<void> chmod(int fd, mode_t mode) override;
  bool has_mode(const FileInfo& info, mode_t mode) const override;
  Sys<void> chmod_at(int dir, const std::string& name, mode_t mode) override;

  /// What layout.hpp's mode becomes.
  mode_t granted(mode_t mode) const;

 private:
  const Access access_;
};

}  // namespace bundlesync::disk
