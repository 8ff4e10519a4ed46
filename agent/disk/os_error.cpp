#include "disk/files.hpp"

#include <cctype>
#include <cerrno>
#include <system_error>

namespace bundlesync::disk {
namespace {

ErrorKind kind_of(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return ErrorKind::no_space;
    case ENOENT:
      return ErrorKind::not_found;
    case EACCES:
    case EPERM:
      return ErrorKind::unauthorised;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
      return ErrorKind::unavailable;
    default:
      return ErrorKind::failed;
  }
}

std::string_view hint_of(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "free some space or inodes, or raise the volume's size; what is shown stays";
    case EROFS:
      return "mount the target's volume read-write for the agent; apps mount it read-only";
    case EACCES:
    case EPERM:
      return "does the agent's user own '..bundlesync' and may it write to the target?";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    case EIO:
      return "look at the kernel's log: the disk may be failing";
    default:
      return {};
  }
}

}  // namespace

bool is_shortage(int code) {
  return kind_of(code) == ErrorKind::unavailable;
}

Error os_error(int code, std::string_view what) {
  std::string message = std::generic_category().message(code);
  if (!message.empty()) message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
  Error error(kind_of(code), std::string(what) + ": " + message);
  if (const auto hint = hint_of(code); !hint.empty()) return std::move(error).with_hint(std::string(hint));
  return error;
}

}  // namespace bundlesync::disk
