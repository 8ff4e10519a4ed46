#pragma once

#include "async/task.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The bucket that objects lie in, for whoever sets one up. The agent and the publisher only need storage.hpp.
namespace bundlesync::storage {

/// A bucket as it is or as it should be.
struct Bucket {
  bool is_public = false;                       ///< anybody may download, without a key
  std::optional<std::uint64_t> file_bytes_max;  ///< of one object; absent: only the server's own limit
  std::vector<std::string> types;               ///< content types, "text/*" too; none: every type
  bool operator==(const Bucket&) const = default;
};

/// Errors of every call: unauthorised, unavailable and timed_out (the same call may succeed later), refused (the answer
/// is none), failed. A bucket that the key may not see looks like one that is not there.
class Buckets {
 public:
  virtual ~Buckets() = default;
  /// Nothing where there is none. Repeatable.
  virtual Task<Result<std::optional<Bucket>>> find(std::string name) = 0;
  /// conflict, reason bucket_exists, where there is one.
  virtual Task<Result<void>> create(std::string name, Bucket bucket) = 0;
  /// Makes an existing bucket be like this; what lies in it stays. Repeatable.
  virtual Task<Result<void>> update(std::string name, Bucket bucket) = 0;
};

}  // namespace bundlesync::storage
