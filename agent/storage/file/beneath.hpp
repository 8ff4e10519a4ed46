#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

/// Opening what lies below a directory, and nothing that a symbolic link could point to outside of it.
namespace bundlesync::storage::file {

/// Owns a descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

enum class Links {
  none,    ///< no symbolic link on the way
  inside,  ///< links that stay below the directory are followed, where the kernel can tell
};

/// openat2(RESOLVE_BENEATH), with RESOLVE_NO_SYMLINKS unless links are asked for; where the kernel (or a sandbox) has
/// no openat2, open_by_walk(). On failure the descriptor is empty and errno says why: ELOOP or ENOTDIR for a link on
/// the way, EXDEV for a way out.
Fd open_beneath(int directory, const std::string& path, int flags, mode_t mode = 0, Links links = Links::none);

/// The same without links, one openat(O_NOFOLLOW) a segment. Segments must not be "." or ".." (EXDEV).
Fd open_by_walk(int directory, std::string_view path, int flags, mode_t mode = 0);

}  // namespace bundlesync::storage::file
