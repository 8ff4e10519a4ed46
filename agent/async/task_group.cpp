#include "async/task_group.hpp"

#include "async/cancelled.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <functional>
#include <list>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bundlesync::async {
namespace {

struct Child {
  explicit Child(std::string child_name) : name(std::move(child_name)) {}
  std::string name;
  asio::cancellation_signal stop;
  bool cancelled_alone = false;
};

/// "NAME: what" for a fault, so that the log says whose; a cancellation stays what it is.
std::exception_ptr named(const std::string& name, std::exception_ptr error) {
  error = unwrap(std::move(error));
  if (is_cancellation(error)) return error;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& fault) {
    return std::make_exception_ptr(std::runtime_error(name + ": " + fault.what()));
  } catch (...) {
    return error;
  }
}

}  // namespace

struct TaskGroup::State {
  explicit State(asio::any_io_executor e) : executor(std::move(e)) {}

  void cancel_all() {
    // A child that unwinds inside emit() leaves the list, so walk over a copy of the places.
    std::vector<std::shared_ptr<Child>> running(children.begin(), children.end());
    for (const auto& child : running) child->stop.emit(asio::cancellation_type::terminal);
  }

  void ended(const std::shared_ptr<Child>& child, std::exception_ptr error, std::optional<Error> failure) {
    children.remove(child);
    const bool expected = child->cancelled_alone && is_cancellation(error);
    const bool first = !first_exception && !first_error;
    if (error && !expected && first) first_exception = named(child->name, std::move(error));
    if (failure && first) first_error = std::move(*failure).within(child->name);
    if (first && (first_exception || first_error)) cancel_all();
    if (children.empty() && waiter) asio::post(executor, std::exchange(waiter, nullptr));
  }

  asio::any_io_executor executor;
  std::list<std::shared_ptr<Child>> children;
  std::exception_ptr first_exception;
  std::optional<Error> first_error;
  bool cancelled_from_outside = false;
  std::move_only_function<void()> waiter;
};

namespace {

Task<> run_child(Task<Result<void>> child, std::optional<Error>* failure) {
  // Never begun inside spawn(): a child that ends at once must not surprise its parent half-way.
  co_await asio::post(asio::use_awaitable);
  auto result = co_await std::move(child);
  if (!result) *failure = std::move(result).error();
}

/// Completes when the last child has ended; a cancellation of the wait goes to the children and nowhere else.
struct StartWait {
  template <class Handler, class State>
  void operator()(Handler&& handler, State state) const {
    if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
      slot.assign([weak = std::weak_ptr(state)](asio::cancellation_type) {
        const auto group = weak.lock();
        if (!group) return;
        group->cancelled_from_outside = true;
        group->cancel_all();
      });
    }
    auto waiter = [handler = std::forward<Handler>(handler)]() mutable { std::move(handler)(); };
    if (state->children.empty()) {
      asio::post(state->executor, std::move(waiter));
    } else {
      state->waiter = std::move(waiter);
    }
  }
};

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

TaskGroup::~TaskGroup() {
  state_->cancel_all();
}

void TaskGroup::spawn(std::string name, Task<Result<void>> child) {
  auto entry = std::make_shared<Child>(std::move(name));
  auto failure = std::make_unique<std::optional<Error>>();
  auto* const failed = failure.get();
  state_->children.push_back(entry);
  const bool late = state_->first_exception || state_->first_error || state_->cancelled_from_outside;
  auto ended = [state = state_, entry, failure = std::move(failure)](std::exception_ptr error) {
    state->ended(entry, std::move(error), std::move(*failure));
  };
  asio::co_spawn(state_->executor, run_child(std::move(child), failed),
                 asio::bind_cancellation_slot(entry->stop.slot(), std::move(ended)));
  if (late) entry->stop.emit(asio::cancellation_type::terminal);
}

void TaskGroup::cancel(std::string_view name) {
  const std::vector<std::shared_ptr<Child>> running(state_->children.begin(), state_->children.end());
  for (const auto& child : running) {
    if (child->name != name) continue;
    child->cancelled_alone = true;
    child->stop.emit(asio::cancellation_type::terminal);
  }
}

void TaskGroup::cancel_all() {
  for (const auto& child : state_->children) child->cancelled_alone = true;
  state_->cancel_all();
}

bool TaskGroup::running(std::string_view name) const {
  return std::ranges::any_of(state_->children, [name](const auto& child) { return child->name == name; });
}

std::size_t TaskGroup::size() const {
  return state_->children.size();
}

Task<Result<void>> TaskGroup::wait() {
  const StartWait start;
  auto state = state_;
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(start, asio::use_awaitable, state);
  const bool fault = state->first_exception && !is_cancellation(state->first_exception);
  if (fault) std::rethrow_exception(state->first_exception);
  if (state->cancelled_from_outside) std::rethrow_exception(operation_aborted());
  if (state->first_exception) std::rethrow_exception(state->first_exception);
  if (state->first_error) co_return fail(*state->first_error);
  co_return Result<void>();
}

}  // namespace bundlesync::async
