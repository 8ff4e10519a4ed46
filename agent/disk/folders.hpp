#pragma once

#include "disk/files.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// What several calls of `Files` do together.
namespace bundlesync::disk {

/// Opens `name` in `dir`, made where missing; its mode is `mode` afterwards, whatever the umask or a neighbour made of
/// it. `made`: it was not there before. damaged (reason name_taken) when something else has the name. `where` is for
/// errors.
struct Folder {
  Fd fd;
  bool made = false;
};
Result<Folder> make_folder(Files& files, int dir, const std::string& name, mode_t mode, std::string_view where);

/// The whole file; damaged (reason too_large) above `bytes_max`, damaged (reason not_a_file) when it is none.
Result<std::string> read_file(Files& files, int dir, const std::string& name, std::uint64_t bytes_max,
                              std::string_view where);
/// A new file of this content and mode; fsynced.
Result<void> write_new_file(Files& files, int dir, const std::string& name, std::string_view bytes, mode_t mode,
                            std::string_view where);
enum class Durable { no, yes };
/// Puts a file in the place of another: new file, (fsync,) rename, (fsync of `dir`). A failed try leaves the old one.
Result<void> replace_file(Files& files, int dir, const std::string& name, std::string_view bytes, mode_t mode,
                          Durable durable, std::string_view where);

/// Removes a file, a link or a whole directory, read-only ones too; links are removed, never followed.
/// What is not there is removed already. Goes on after a failure as far as it can and gives the first one.
Result<void> remove_all(Files& files, int dir, const std::string& name, std::string_view where);

/// Bytes on disk of `name` and all beneath it, as du counts. What vanishes meanwhile counts nothing.
Result<std::uint64_t> bytes_beneath(Files& files, int dir, const std::string& name, std::string_view where);

/// Opens the directory anew, so that an fsync that failed before on another descriptor cannot pass for this one's.
Result<void> sync_dir(Files& files, int dir, std::string_view where);

inline constexpr int depth_max = 16;  ///< of directories that we walk; our trees are at most 8 deep

}  // namespace bundlesync::disk
