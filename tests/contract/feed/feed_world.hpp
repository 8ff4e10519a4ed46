#pragma once

#include "catalog/feed.hpp"
#include "contract/feed/loop_runner.hpp"

#include <functional>
#include <memory>
#include <string>

namespace bundlesync::tests {

/// A catalog that a test of the contract changes, and the feed over it.
class FeedWorld {
 public:
  virtual ~FeedWorld() = default;
  virtual std::unique_ptr<catalog::Feed> feed(LoopRunner& loop) = 0;

  /// A template with a default 1.0.0 of one file "<name>.md". Returns its id.
  virtual std::string add(const std::string& name) = 0;
  /// A new version with one file becomes the default; the same transaction for all of `ids`.
  virtual void move(const std::vector<std::string>& ids, const std::string& semver) = 0;
  virtual void rename(const std::string& id, const std::string& name) = 0;
  virtual void remove(const std::string& id) = 0;
  virtual void end_sessions() = 0;
  virtual void restart_server() = 0;
  virtual void new_epoch() = 0;
};

std::unique_ptr<FeedWorld> memory_world();
std::unique_ptr<FeedWorld> postgres_world();

}  // namespace bundlesync::tests
