#include "plan/verdict.hpp"

#include <fmt/format.h>

#include <utility>

namespace bundlesync::plan {
namespace {

/// One template's question: what it shows, what else there is, and the answer as it is being made.
class Judge {
 public:
  Judge(const std::string& name, const Desired& desired, const Observed& observed, const Policy& policy,
        std::uint64_t room)
      : name_(name), desired_(desired), observed_(observed), policy_(policy), room_(room) {
    const auto found = observed.view.templates.find(name);
    if (found != observed.view.templates.end()) shown_ = &found->second;
    damaged_ = shown_ && observed.damaged.contains(shown_->tree);
    unread_ = shown_ && observed.unread.contains(shown_->tree);
    const auto entry = desired.templates.find(name);
    if (entry != desired.templates.end()) wanted_ = &entry->second;
  }

  Verdict verdict() {
    if (!observed_.remote_enabled) {
      standalone();
    } else if (!observed_.database_reached) {
      waiting();
    } else {
      follow();
    }
    return std::move(verdict_);
  }

 private:
  void set(State state, std::string reason = "", std::string detail = "") {
    verdict_.status.state = state;
    verdict_.status.reason = std::move(reason);
    verdict_.status.detail = std::move(detail);
  }
  bool shows_good() const { return shown_ && !damaged_; }
  bool has_last_good() const { return shows_good() && is_last_good(*shown_); }

  const Alternative* alternative() const {
    const auto local = observed_.local.find(name_);
    if (local != observed_.local.end()) return &local->second;
    const auto bare = observed_.filesystem.find(name_);
    return bare != observed_.filesystem.end() ? &bare->second : nullptr;
  }

  /// Shows local or fallback files, if there are any. False when there are none.
  bool take_alternative() {
    const Alternative* other = alternative();
    if (!other) return false;
    if (shows_good() && shown_->template_id.empty() && shown_->manifest == other->manifest &&
        shown_->source == other->source) {
      return true;  // shown already
    }
    Move move;
    move.template_name = name_;
    move.content = ContentKey{name_, other->bundle.version, other->manifest};
    const auto tree = observed_.complete.find(move.content);
    if (tree != observed_.complete.end()) move.tree = tree->second;
    move.source = other->source;
    move.alternative = *other;
    verdict_.move = std::move(move);
    return true;
  }

  /// After a decision that leaves the wanted version unshown: where there is no last good, what was accepted last is
  /// brought back, or something else may be shown.
  void fall_back(bool now) {
    if (has_last_good()) return;
    const TemplateStatus status = verdict_.status;
    const bool on_its_way = bring_back();
    verdict_.status = status;  // that something is brought back changes nothing about what is wanted
    if (verdict_.move || (on_its_way && !observed_.start_grace_over)) return;
    if (now && take_alternative()) return;
    if (damaged_ && now) verdict_.drop = true;
  }

  void standalone() {
    set(State::standalone);
    if (take_alternative()) return;
    if (shows_good()) {
      verdict_.status.reason = "remote_off";
      return;
    }
    set(State::absent, "nothing_anywhere");
    verdict_.drop = damaged_;
  }

  void waiting() {
    set(shown_ ? State::waiting : State::absent, "database_not_reached");
    if ((damaged_ || unread_) && bring_back()) return;
    const bool allowed = policy_.start_require == StartRequire::any;
    fall_back(allowed && observed_.database_failed);
    if (damaged_ && !verdict_.move) verdict_.drop = true;
  }

  /// What a catalog named once, and whose files it names still: its bytes can be had again.
  struct Memory {
    const WantedVersion* version = nullptr;
    std::string epoch;
    std::uint64_t generation = 0;
    std::optional<std::uint64_t> change;
  };

  std::optional<Memory> last_accepted() const {
    if (!wanted_) return std::nullopt;
    if (shown_ && (damaged_ || unread_) && !shown_->template_id.empty()) {
      Memory memory;
      memory.version = still_named(shown_->version, shown_->manifest);
      memory.epoch = shown_->epoch;
      memory.generation = shown_->generation;
      memory.change = shown_->change;
      return memory.version ? std::optional(memory) : std::nullopt;
    }
    const auto found = observed_.accepted.find(AcceptedKey{desired_.epoch, wanted_->id});
    if (found == observed_.accepted.end() || !wanted_->enabled || wanted_->deleted) return std::nullopt;
    Memory memory;
    memory.version = still_named(found->second.version, found->second.manifest);
    memory.epoch = desired_.epoch;
    memory.generation = found->second.generation;
    return memory.version ? std::optional(memory) : std::nullopt;
  }

  const WantedVersion* still_named(const std::string& version, const Digest& manifest) const {
    for (const auto* named : {&wanted_->current, &wanted_->previous}) {
      if (!*named || (*named)->version != version || (*named)->manifest != manifest) continue;
      if (!refusal_of(**named, policy_)) return &**named;
    }
    return nullptr;
  }

  /// The last answer (kept on disk) may name the files of a damaged tree, or of one that had to go: its bytes can come
  /// back, with or without the database. True when it can be shown now or is on its way.
  bool bring_back() {
    const std::optional<Memory> memory = last_accepted();
    if (!memory) return false;
    const std::optional<Fetch> wanted_first = verdict_.fetch;
    const std::optional<Validate> asked_first = verdict_.validate;
    bring(*memory->version);
    if (wanted_first) verdict_.fetch = wanted_first;
    if (asked_first) verdict_.validate = asked_first;
    const State state = verdict_.status.state;
    if (!verdict_.move) return state == State::fetching || state == State::validating;
    // The bytes are as accepted before: so is the generation, and nothing moves that others could wait for.
    verdict_.move->epoch = memory->epoch;
    verdict_.move->generation = memory->generation;
    verdict_.move->change = memory->change;
    verdict_.move->history.reset();
    verdict_.move->changed_at.clear();
    verdict_.waits_for_group = false;
    return true;
  }

  void follow() {
    if (!wanted_) {
      if (has_last_good()) return set(State::orphaned, "not_in_catalog");
      set(State::absent, "not_in_catalog");
      return fall_back(true);
    }
    verdict_.status.generation = wanted_->generation;
    verdict_.status.change = wanted_->change;
    if (wanted_->current) verdict_.status.wanted_version = wanted_->current->version;

    if (held_or_reused()) return fall_back(true);
    if (wanted_->deleted) {
      set(State::orphaned, "deleted");
      return fall_back(true);
    }
    if (!wanted_->problem.empty()) {
      set(State::refused, wanted_->problem);
      return fall_back(true);
    }
    if (!wanted_->enabled || !wanted_->current) return disabled();

    if (auto refusal = refusal_of(*wanted_->current, policy_)) {
      set(State::refused, std::move(refusal->reason), std::move(refusal->detail));
      return fall_back(true);
    }
    bring(*wanted_->current);
    const State state = verdict_.status.state;
    const bool on_its_way = state == State::fetching || state == State::validating;
    if (on_its_way) return fall_back(observed_.start_grace_over);
    if (state == State::retrying || state == State::refused) return fall_back(true);
  }

  bool held_or_reused() {
    const auto found = observed_.accepted.find(AcceptedKey{desired_.epoch, wanted_->id});
    if (found == observed_.accepted.end()) return false;  // nothing accepted yet: a state of its own, not generation 0
    const Accepted& accepted = found->second;
    verdict_.status.accepted = accepted.generation;
    if (wanted_->generation < accepted.generation) {
      set(State::held, "generation_lower",
          fmt::format("seen_generation={} accepted={}", wanted_->generation, accepted.generation));
      return true;
    }
    const bool same_generation = wanted_->generation == accepted.generation;
    if (same_generation && wanted_->current && wanted_->problem.empty() &&
        (wanted_->current->version != accepted.version || wanted_->current->manifest != accepted.manifest)) {
      set(State::refused, "generation_reused",
          fmt::format("generation={} accepted_version={} version={}", wanted_->generation, accepted.version,
                      wanted_->current->version));
      return true;
    }
    return false;
  }

  void disabled() {
    set(State::disabled, wanted_->enabled ? "no_default" : "not_enabled");
    if (take_alternative()) return leave_with_its_change();
    if (shows_good()) return;
    verdict_.status.state = State::absent;
    verdict_.drop = damaged_;
  }

  /// Away from a last good: like every other move of its change.
  void leave_with_its_change() {
    if (!verdict_.move || !has_last_good()) return;
    verdict_.move->change = wanted_->change;
    verdict_.waits_for_group = wanted_->change.has_value();
  }

  bool shows(const WantedVersion& version) const {
    return shows_good() && !unread_ && shown_->template_id == wanted_->id && shown_->epoch == desired_.epoch &&
           shown_->generation == wanted_->generation && shown_->version == version.version &&
           shown_->manifest == version.manifest;
  }

  /// From "this version is wanted and breaks no rule" to shown, move, fetch or wait.
  void bring(const WantedVersion& version) {
    verdict_.status.wanted_version = version.version;
    if (shows(version)) return set(State::current);

    const ContentKey content{name_, version.version, version.manifest};
    const auto tree = observed_.complete.find(content);
    if (tree != observed_.complete.end()) {
      if (policy_.validate && !accepted(content)) return validate(content, tree->second);
      return move_to(content, tree->second);
    }

    const auto failure = observed_.failed.find(content);
    const bool failed = failure != observed_.failed.end();
    if (failed && failure->second.final && failure->second.generation == wanted_->generation) {
      return set(State::refused, failure->second.reason, failure->second.text);
    }
    Fetch fetch;
    fetch.content = content;
    fetch.bundle = version.bundle;
    fetch.generation = wanted_->generation;
    if (observed_.fetching.contains(content)) {
      verdict_.fetch = std::move(fetch);
      return failed ? set(State::retrying, failure->second.reason, failure->second.text) : set(State::fetching);
    }
    if (failed && !failure->second.final && !failure->second.due) {
      return set(State::retrying, failure->second.reason, failure->second.text);
    }
    const std::uint64_t bytes = disk_bytes(version.bundle, policy_);
    if (bytes > room_) return set(State::retrying, "disk_budget", fmt::format("bytes={} room={}", bytes, room_));
    verdict_.fetch = std::move(fetch);
    failed && !failure->second.final ? set(State::retrying, failure->second.reason, failure->second.text)
                                     : set(State::fetching);
  }

  bool accepted(const ContentKey& content) const {
    const auto found = observed_.validations.find(content);
    return found != observed_.validations.end() && found->second.answer == Validation::Answer::accepted;
  }

  /// From "its bytes are here" to refused, asked, or asked again later.
  void validate(const ContentKey& content, const TreeId& tree) {
    const auto found = observed_.validations.find(content);
    const bool asked = observed_.validating.contains(content);
    if (found != observed_.validations.end() && !asked) {
      const Validation& known = found->second;
      if (known.answer == Validation::Answer::vetoed && known.generation == wanted_->generation) {
        return set(State::refused, "vetoed", known.text);
      }
      if (known.answer == Validation::Answer::none && !known.due) {
        return set(State::retrying, "validator_failed", known.text);
      }
    }
    Validate question;
    question.content = content;
    question.tree = tree;
    question.generation = wanted_->generation;
    verdict_.validate = std::move(question);
    set(State::validating);
  }

  void move_to(const ContentKey& content, const TreeId& tree) {
    set(State::moving);
    Move move;
    move.template_name = name_;
    move.content = content;
    move.tree = tree;
    move.epoch = desired_.epoch;
    move.template_id = wanted_->id;
    move.generation = wanted_->generation;
    move.change = wanted_->change;
    move.history = wanted_->history;
    move.changed_at = wanted_->changed_at;
    verdict_.move = std::move(move);
    verdict_.waits_for_group = has_last_good() && wanted_->change.has_value();
  }

  const std::string& name_;
  const Desired& desired_;
  const Observed& observed_;
  const Policy& policy_;
  const std::uint64_t room_;
  const Shown* shown_ = nullptr;
  const WantedTemplate* wanted_ = nullptr;
  bool damaged_ = false;
  bool unread_ = false;
  Verdict verdict_;
};

}  // namespace

bool is_last_good(const Shown& shown) {
  return shown.source != Source::local && shown.source != Source::filesystem;
}

Verdict judge(const std::string& name, const Desired& desired, const Observed& observed, const Policy& policy,
              std::uint64_t room) {
  return Judge(name, desired, observed, policy, room).verdict();
}

}  // namespace bundlesync::plan
