#pragma once

#include "base/error.hpp"
#include "disk/state.hpp"
#include "disk/target.hpp"
#include "plan/observed.hpp"

#include <memory>
#include <string>
#include <vector>

/// What apps see. The only code that changes `..data`.
namespace bundlesync::live {

/// What of a view apps no longer reach, because somebody took it away.
struct Losses {
  bool view = false;               ///< `..data` does not lead to it, or its directory, a link in it or its text is gone
  std::vector<std::string> links;  ///< templates without a link in the root
  std::vector<std::string> trees;  ///< templates whose tree is gone
  bool any() const { return view || !links.empty() || !trees.empty(); }
};

/// Blocking, one caller at a time; losses() may run beside the others.
class LiveView {
 public:
  static std::unique_ptr<LiveView> make(disk::Target& target, disk::StateStore& state);
  virtual ~LiveView() = default;

  /// What `..data` shows now, from the view's links and its .view.json; number 0 where nothing is shown yet. Reading
  /// takes no lock. Errors: damaged (`..data` is a real directory or file, or dangles: with what to do), ….
  virtual Result<plan::View> read() const = 0;

  /// Steps 3 to 5 of directory.md "How the agent writes": a new view directory with .view.json, fsynced; `state` saved
  /// with the view's number; missing template links and the temporary link made; root fsynced; one rename over
  /// `..data`; root fsynced. Links of templates that left the view are unlinked after the swap. Returns the view as
  /// shown. Nothing is acknowledged unless this returns a value. On an error what is shown is the old or the new view,
  /// whole; calling again with the same templates makes a new view and repeats all steps. `state.last_view` is raised
  /// by this call. Trees named must be complete (Stage::commit returned them): where one is not there (damaged, reason
  /// tree_missing) or cannot be opened (reason tree_closed) nothing was changed. A real directory or foreign file in
  /// the place of `..data` or of a template's link is an error with what to do (damaged, reason name_taken); other
  /// templates' links are made all the same.
  virtual Result<plan::View> show(const std::map<std::string, plan::Shown>& templates, disk::State& state) = 0;

  /// Re-checks the whole postcondition at start, not only the link, after Target::remove_leftovers: `..data` that is
  /// gone or dangles is set to the newest finished view whose trees verify against `state/`; template links that are
  /// missing are made again, stale links of ours and unfinished views removed; all is made durable. Says what it did,
  /// and what a human must do (a name that is taken). Errors as read(). May be repeated.
  virtual Result<std::vector<std::string>> recover() = 0;

  /// What is missing of `view`, which was shown. Looks at names only, not at bytes, and changes nothing. Errors: what
  /// cannot be looked at now, and may be whole.
  virtual Result<Losses> losses(const plan::View& view) const = 0;

  /// Removes views that nothing shows any more, all but the last `keep`.
  virtual Result<void> tidy(std::size_t keep) = 0;
};

/// The JSON text of a view (.view.json) and back, strict.
std::string view_to_json(const plan::View& view);
Result<plan::View> view_from_json(std::string_view json);

}  // namespace bundlesync::live
