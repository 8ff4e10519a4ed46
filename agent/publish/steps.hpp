#pragma once

#include <string_view>

namespace bundlesync::publish {

/// The steps of publishing, in order. Each is durable when it is reported: a death right after it loses nothing of it.
enum class Step {
  linted,        ///< the directory was read and is good
  locked,        ///< the version's publish lock is ours
  claimed,       ///< the draft is ours
  removed,       ///< one object that was in the way or belongs to no file is gone (detail: key)
  uploaded,      ///< one object is in storage (detail: key)
  read_back,     ///< every object was read and has the right digest
  recorded,      ///< the draft's rows are the bundle's files
  finished,      ///< the version is stable and frozen and, when asked, the default
  draft_removed  ///< abandon: the draft is gone
};

constexpr std::string_view to_string(Step step) {
  switch (step) {
    case Step::linted:
      return "linted";
    case Step::locked:
      return "locked";
    case Step::claimed:
      return "claimed";
    case Step::removed:
      return "removed";
    case Step::uploaded:
      return "uploaded";
    case Step::read_back:
      return "read_back";
    case Step::recorded:
      return "recorded";
    case Step::finished:
      return "finished";
    case Step::draft_removed:
      return "draft_removed";
  }
  return "";
}

/// Hears of each step right after it is done: a progress bar, or a test that ends the process there.
class Steps {
 public:
  virtual ~Steps() = default;
  virtual void reached(Step step, std::string_view detail) = 0;
};

/// For callers that do not listen.
class NoSteps final : public Steps {
 public:
  void reached(Step, std::string_view) override {}
};

}  // namespace bundlesync::publish
