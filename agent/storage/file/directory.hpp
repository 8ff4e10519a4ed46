#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <optional>
#include <string>

/// The file store's own directory, for whoever sets one up. Blocking.
namespace bundlesync::storage::file {

struct DirectoryFacts {
  unsigned mode = 0;        ///< the permission bits: 02755
  std::string owner;        ///< a name where there is one, else the number
  std::string group;        ///< the same
  bool readable = false;    ///< by this user: its entries can be listed and reached
  bool writable = false;    ///< by this user: entries can be made and removed
  std::string file_system;  ///< "ext4", "nfs", else the number that the kernel gives
  bool is_network = false;
};

/// Nothing where there is no directory of this name. Errors: as of the storage; refused where it is no directory.
Result<std::optional<DirectoryFacts>> look_at_directory(const std::filesystem::path& root);
/// Opens and reads one object below it, whichever comes first: its path, relative; empty where there is none. Errors:
/// as of the storage, of what could not be read.
Result<std::string> read_any_object(const std::filesystem::path& root);
/// Makes it, mode 0755, with its parents. Repeatable.
Result<void> make_directory(const std::filesystem::path& root);
/// Takes the right to write from everybody but its owner and group. Repeatable. unauthorised: it is another's.
Result<void> close_directory(const std::filesystem::path& root);

}  // namespace bundlesync::storage::file
