#include "storage/file/errors.hpp"

#include "storage/key_rules.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace bundlesync::storage::file {
namespace {

ErrorKind kind_of(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::unauthorised;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorKind::no_space;
    case EIO:
    case ESTALE:
    case ETIMEDOUT:
    case ENODEV:
    case ENXIO:
    case ENOTCONN:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ECONNRESET:
    case EREMOTEIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EINTR:
    case EAGAIN:
      return ErrorKind::unavailable;
    default:
      return ErrorKind::failed;
  }
}

}  // namespace

Error system_error(int error, std::string_view doing, const std::filesystem::path& root) {
  if (error == ELOOP || error == EXDEV) {
    return Error(ErrorKind::refused,
                 fmt::format("unable to {} below {}: a symbolic link is on the way", doing, root.string()),
                 "a file store follows no links: put the file itself there")
        .with_reason("object_behind_link");
  }
  const ErrorKind kind = kind_of(error);
  Error result(kind, fmt::format("unable to {} below {}: {}", doing, root.string(), std::strerror(error)));
  if (kind == ErrorKind::unauthorised)
    return std::move(result).with_hint("may this user read and write the store's directory?");
  if (kind == ErrorKind::unavailable) return std::move(result).with_hint("is the volume mounted and its server up?");
  return result;
}

Error object_missing(std::string_view key, const std::filesystem::path& root) {
  return Error(ErrorKind::not_found, fmt::format("there is no object {} in file://{}", quoted_key(key), root.string()),
               "was the version published to this store?")
      .with_reason("object_missing");
}

Error store_away(const std::filesystem::path& root, std::string_view what) {
  return Error(ErrorKind::unavailable, fmt::format("the store's directory {} {}", root.string(), what),
               "is the volume mounted, and is storage.url right? the first publish creates the directory");
}

}  // namespace bundlesync::storage::file
