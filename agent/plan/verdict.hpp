#pragma once

#include "plan/plan.hpp"

#include <optional>
#include <string>

/// The first half of decide(): each template for itself, before changes are looked at together.
namespace bundlesync::plan {

struct Verdict {
  TemplateStatus status;
  std::optional<Move> move;    ///< what could be shown now
  std::optional<Fetch> fetch;  ///< whose bytes should be brought
  std::optional<Validate> validate;
  bool drop = false;  ///< what is shown is damaged, and nothing good can take its place
  /// It moves away from something the catalog named before, so it waits for the others of its change. A template that
  /// shows nothing yet, or only local or fallback files, waits for nobody.
  bool waits_for_group = false;
};

/// `room` is what a fetch that is not under way yet may take of the disk.
Verdict judge(const std::string& name, const Desired& desired, const Observed& observed, const Policy& policy,
              std::uint64_t room);

/// True when `shown` was once named by a catalog: the last good one.
bool is_last_good(const Shown& shown);

}  // namespace bundlesync::plan
