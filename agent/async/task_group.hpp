#pragma once

#include "async/task.hpp"
#include "base/error.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace bundlesync::async {

/// Children that live and end together. The first one that fails cancels the others; wait() ends when all have ended.
/// Children start at once and may be added while others run. On the loop thread only. A group that goes away with
/// children in it cancels them, and they unwind later: what they refer to must live until then, so await wait().
class TaskGroup {
 public:
  explicit TaskGroup(asio::any_io_executor executor);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Two children of one name may run at a time; cancel(name) means both.
  void spawn(std::string name, Task<Result<void>> child);
  /// Cancels the children of that name; they are in size() until they have unwound. A child cancelled so is no failure.
  void cancel(std::string_view name);
  void cancel_all();
  bool running(std::string_view name) const;
  std::size_t size() const;

  /// Until no child is left; cancelling it cancels them. The first child's error as "NAME: fact", in which case the
  /// others were cancelled; throws what a child threw (std::runtime_error "NAME: what" for anything but a
  /// cancellation), and operation_aborted when cancelled from outside.
  Task<Result<void>> wait();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace bundlesync::async
