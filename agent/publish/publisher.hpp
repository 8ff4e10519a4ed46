#pragma once

#include "publish/commands.hpp"
#include "publish/load.hpp"
#include "publish/plan.hpp"

#include <string>
#include <vector>

namespace bundlesync::publish {

/// What was done to objects so far.
struct ObjectCounts {
  std::uint64_t uploaded_files = 0;
  std::uint64_t uploaded_bytes = 0;
  std::uint64_t kept = 0;
  std::uint64_t replaced = 0;
  std::uint64_t removed = 0;
};

/// Makes the objects of one claimed draft be exactly the bundle's files. Nothing in storage is ever overwritten: an
/// object with other bytes is removed, then made again, and the claim is checked before either.
class ObjectWriter {
 public:
  ObjectWriter(catalog::Catalog& catalog, storage::Storage& storage, const catalog::Claim& claim, Steps& steps)
      : catalog_(catalog), storage_(storage), claim_(claim), steps_(steps) {}

  /// Creates or keeps every file's object, then removes what lies beside them.
  Task<Result<void>> write(const Loaded& loaded);
  /// Reads every object and compares size and digest. damaged (reason read_back_differs) names the first that differs.
  Task<Result<void>> read_back(const Loaded& loaded);
  const ObjectCounts& counts() const { return counts_; }

 private:
  Task<Result<void>> write_one(const bundle::File& file, const std::string& bytes);
  Task<Result<bool>> has_bytes_of(const bundle::File& file);
  Task<Result<void>> remove(std::string key);

  catalog::Catalog& catalog_;
  storage::Storage& storage_;
  const catalog::Claim& claim_;
  Steps& steps_;
  ObjectCounts counts_;
};

/// "<template>/v<version>": every object of the version begins so, then '/'.
std::string object_prefix(std::string_view template_name, std::string_view version);

/// What the catalog knows about a version; a template that does not exist is known to have none.
Result<Known> look_up(catalog::Catalog& catalog, std::string_view template_name, std::string_view version);

/// Gives the publish lock back when it leaves scope, on every way out.
class HeldLock {
 public:
  explicit HeldLock(catalog::Catalog& catalog) : catalog_(catalog) {}
  ~HeldLock() { catalog_.unlock_version(); }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;

 private:
  catalog::Catalog& catalog_;
};

}  // namespace bundlesync::publish
