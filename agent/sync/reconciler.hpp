#pragma once

#include "async/wakeup.hpp"
#include "catalog/feed.hpp"
#include "plan/plan.hpp"
#include "sync/fetches.hpp"
#include "sync/validations.hpp"
#include "sync/world.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bundlesync::sync {

/// Brings the directory as near to what the catalog wants as is possible without waiting for a network. Loop thread
/// only.
///
/// Safe at any time, any number of times, after any crash: what it knows is read back from the disk by recover().
class Reconciler {
 public:
  Reconciler(World world, const Options& options);

  /// Start: re-checks everything that is shown (links, and every byte of every live tree), mends what can be mended
  /// without the catalog, and says what is shown. Needs the target's lock. On an error (something could not be read,
  /// and may be whole) nothing of what is remembered was written, and it may be called again; with `last_try` a live
  /// tree that cannot be read no longer stands in the way, for it will be built again.
  Task<Result<void>> recover(bool last_try = true);

  /// Reads and checks what is shown and reports it, without writing anything: for a target that is not ours to write.
  /// recover() may follow, and finds everything anew.
  Task<> look();

  /// Passes for ever, each when something happened or is due. Ends only by cancellation, or by `until_settled` when
  /// nothing more can be expected without a change from outside.
  Task<> run(bool until_settled);

  /// Hashes what is shown again, tree by tree, for ever, as Options::scrub_interval and scrub_bytes_per_second say;
  /// what was changed is quarantined, and the next pass builds it again. Ends only by cancellation.
  Task<> scrub();

  /// Looks whether the links, the view and the trees that apps read are there: names, not bytes. What somebody took
  /// away the next pass makes again. May run beside a pass.
  Task<> look_for_losses();

  /// One pass: decide, start and abandon fetches, swap in what is complete on disk.
  Task<> pass();

  /// What to ask the catalog for: the names wanted, and the templates followed so far. `since` is the caller's.
  catalog::Question question() const;
  /// It wants this template, by its name or because it followed it so far.
  bool follows(const plan::WantedTemplate& of) const;
  /// Takes an answer of the catalog. The next pass acts on it.
  void accept(plan::Answer answer);
  /// The first try to reach the database did not succeed, or takes longer than a start should wait.
  void database_failed();
  /// Ends every fetch and every question to the validator; call when the run is over.
  Task<> stop();

  const plan::Desired& desired() const { return desired_; }
  const plan::Plan& plan() const { return plan_; }
  plan::Readiness readiness() const;

 private:
  // observe
  void decide();
  plan::Observed observe() const;
  plan::Observed observe_validations(plan::Observed observed, async::Steady now) const;
  bool take_finished_fetches();
  bool awaited(const plan::ContentKey& content) const;
  async::Steady next_time() const;
  bool settled() const;

  // activate (activation.cpp)
  Task<> activate();
  Task<std::optional<plan::TreeId>> tree_for(const plan::Move& move);
  void not_verified(const plan::Move& move, const Error& error);
  Task<Result<plan::TreeId>> stage_alternative(const plan::Alternative& alternative);
  Task<Result<void>> show(std::vector<plan::Group> groups);
  Task<Result<plan::View>> shown_beside(Error taken, std::uint64_t view_number);
  void acknowledge(const std::vector<plan::Group>& groups, const plan::View& before);
  Task<bool> found_damage(const std::vector<plan::Group>& groups);
  void show_failed(const Error& error);
  void announce(const report::Activated& activated) const;
  report::Activated describe(const plan::Group& group, const plan::View& before) const;
  report::ActivatedTemplate describe(const plan::Shown& shown, const std::string& name) const;

  // recover (recovery.cpp)
  void begin_now();
  Task<Result<void>> load_memory();
  Task<Result<void>> read_trees();
  Task<Result<void>> check_live_trees(bool last_try);
  void condemn(const plan::TreeId& tree);
  void forget_disk();
  Task<> rescan_alternatives();
  void keep_alternatives(Result<disk::Alternatives> found, disk::Alternatives& kept);
  Task<> save_desired();
  Task<> save_vetoes();
  Digest expected_manifest(const plan::Shown& shown) const;

  // scrub (scrub.cpp)
  Task<Result<live::Losses>> losses_of(plan::View view);
  Task<> mend_losses();
  Task<std::uint64_t> scrub_one(std::string name);
  void quarantine(const std::string& name, const plan::Shown& shown, const Error& error);

  // tidy (tidy.cpp)
  Task<> tidy();
  Task<> measure();
  Task<> count_anew();
  Task<> make_room(std::uint64_t bytes);
  Task<> remove_trees(std::vector<plan::TreeId> trees_to_remove);
  Task<> remove_condemned();
  Task<> make_missing_links();
  std::size_t views_to_keep();
  std::vector<plan::KeptTree> kept_trees() const;
  std::set<plan::ContentKey> pinned_contents() const;

  // report (settle.cpp)
  void settle();
  report::TemplateReport report_of(const std::string& name, const plan::TemplateStatus& status) const;
  std::string next_try(const plan::TemplateStatus& status, const std::string& name) const;
  LocalBytes local_bytes() const;

  /// How often a tree could not be read, and when it is tried again.
  struct FailedRead {
    unsigned times = 0;
    async::Steady next{};
  };

  World world_;
  const Options& options_;
  async::Wakeup wakeup_;
  Fetches fetches_;
  Validations validations_;

  // What is wanted.
  plan::Desired desired_;
  std::uint64_t desired_revision_ = 0;  ///< rises with every answer that changed something
  bool desired_unsaved_ = false;
  std::vector<std::string> problems_;  ///< guards that the catalog misses
  bool database_reached_ = false;
  bool database_failed_ = false;

  // What is there.
  plan::View view_;  ///< as acknowledged
  disk::State state_;
  std::set<plan::TreeId> damaged_;
  std::set<plan::TreeId> unread_;                    ///< live ones that could not be read: built again, kept until then
  std::map<plan::TreeId, FailedRead> failed_reads_;  ///< of trees that should be shown, since they were read last
  std::map<plan::TreeId, disk::TreeInfo> trees_;     ///< every finished tree that is not condemned
  std::map<plan::ContentKey, plan::TreeId> complete_;
  std::map<plan::TreeId, async::Steady> fresh_;           ///< when this process made it; not shown yet
  std::map<plan::ContentKey, std::uint64_t> downloaded_;  ///< bytes fetched by this process for a move still to come
  std::map<plan::TreeId, async::Steady> last_live_;
  disk::Alternatives local_;
  disk::Alternatives filesystem_;
  std::uint64_t used_bytes_ = 0;
  disk::Trees::CacheUse cache_use_;

  // What is due.
  plan::Plan plan_;
  std::uint64_t plan_revision_ = 0;  ///< of what is wanted, when plan_ was made
  bool must_show_ = false;           ///< a swap was not acknowledged: show again, whatever the plan says
  bool losses_suspected_ = false;    ///< to be looked at by a pass, when nothing is being shown
  bool links_missing_ = false;       ///< a name of ours is taken: tidy() tries to make the link again
  unsigned show_failures_ = 0;
  async::Steady show_not_before_{};
  async::Steady started_{};     ///< when the target became ours
  async::Steady grace_from_{};  ///< since then, or since a shown tree was quarantined
  async::Wall started_wall_{};
  async::Steady rescan_at_{};
  async::Steady tidy_at_{};
  async::Steady prefetch_at_{};
  std::vector<async::Steady> views_made_;
};

}  // namespace bundlesync::sync
