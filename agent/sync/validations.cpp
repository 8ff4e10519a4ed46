#include "sync/validations.hpp"

#include "async/cancelled.hpp"
#include "base/backoff.hpp"
#include "disk/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bundlesync::sync {
namespace {

constexpr std::size_t kAtOnce = 4;

std::string task_name(const plan::ContentKey& content) {
  return fmt::format("validate {} {} {}", content.template_name, content.version, content.manifest.short_hex());
}

/// Where an app that mounts the target finds the tree.
std::string path_of(const disk::Target& target, const plan::TreeId& tree) {
  const auto trees = target.path() / disk::layout::own_dir / disk::layout::trees_dir;
  return (trees / tree.template_name / tree.name).string();
}

}  // namespace

/// Takes a question off the list however its coroutine ends, and lets the next pass look.
class Validations::Ended {
 public:
  Ended(Validations& owner, plan::ContentKey content) : owner_(owner), content_(std::move(content)) {}
  Ended(const Ended&) = delete;
  Ended& operator=(const Ended&) = delete;
  ~Ended() {
    owner_.running_.erase(content_);
    owner_.wakeup_.notify();
  }

 private:
  Validations& owner_;
  const plan::ContentKey content_;
};

Validations::Validations(World world, const Options& options, async::Wakeup& wakeup)
    : world_(world), options_(options), wakeup_(wakeup), permits_(world.executor, kAtOnce), tasks_(world.executor) {}

void Validations::ask(const std::vector<plan::Validate>& wanted) {
  for (auto& [content, cancelled] : running_) {
    const bool keep = std::ranges::any_of(wanted, [&](const auto& one) { return one.content == content; });
    if (keep || std::exchange(cancelled, true)) continue;
    tasks_.cancel(task_name(content));
  }
  for (const auto& question : wanted) {
    if (running_.try_emplace(question.content, false).second) tasks_.spawn(task_name(question.content), put(question));
  }
}

Task<> Validations::stop() {
  for (auto& [content, cancelled] : running_) cancelled = true;
  tasks_.cancel_all();
  Result<void> ended = co_await tasks_.wait();
  (void)ended;  // put() fails never: what went wrong is in known_
}

Task<Result<void>> Validations::put(plan::Validate question) {
  const Ended ended(*this, question.content);
  const Permits::Permit permit = co_await permits_.take();
  const async::Steady started = world_.clock.now();
  hooks::Candidate candidate;
  candidate.template_name = question.content.template_name;
  candidate.version = question.content.version;
  candidate.path = path_of(world_.target, question.tree);
  try {
    Result<hooks::Judgement> judgement = co_await world_.validator->judge(std::move(candidate));
    note(question, judgement, world_.clock.now() - started);
  } catch (const std::exception& error) {
    if (async::is_cancellation(std::current_exception())) throw;
    note(question, fail(ErrorKind::failed, error.what()), world_.clock.now() - started);  // a fault of ours
  }
  co_return Result<void>();
}

void Validations::note(const plan::Validate& question, const Result<hooks::Judgement>& judgement,
                       std::chrono::duration<double> took) {
  using Answer = plan::Validation::Answer;
  Entry& entry = known_[question.content];
  vetoes_changed_ |= entry.value.answer == Answer::vetoed;
  entry.value.generation = question.generation;
  report::Validated told;
  told.template_name = question.content.template_name;
  told.version = question.content.version;
  told.took = took;
  if (judgement) {
    entry.value.answer = judgement->accepted ? Answer::accepted : Answer::vetoed;
    entry.value.text = judgement->text;
    told.answer = judgement->accepted ? "accepted" : "vetoed";
    told.text = judgement->text;
    vetoes_changed_ |= !judgement->accepted;
  } else {
    const Error& error = judgement.error();
    entry.value.answer = options_.accept_without_validator ? Answer::accepted : Answer::none;
    entry.value.text = error.line();
    told.answer = options_.accept_without_validator ? "accepted_unasked" : "failed";
    told.text = error.line();
    const auto wait = std::chrono::duration_cast<async::Duration>(std::max<std::chrono::nanoseconds>(
        backoff_delay(entry.attempts++, world_.random.next()), std::chrono::milliseconds(200)));
    entry.retry_at = world_.clock.now() + wait;
  }
  world_.reporter.validated(told);
}

std::set<plan::ContentKey> Validations::running() const {
  std::set<plan::ContentKey> keys;
  for (const auto& [content, cancelled] : running_) {
    if (!cancelled) keys.insert(content);
  }
  return keys;
}

Validations::Known Validations::known(async::Steady now) const {
  Known result;
  for (const auto& [content, entry] : known_) {
    plan::Validation value = entry.value;
    value.due = value.answer == plan::Validation::Answer::none && entry.retry_at <= now;
    result.emplace(content, std::move(value));
  }
  return result;
}

async::Steady Validations::next_retry() const {
  async::Steady due = async::Steady::max();
  for (const auto& [content, entry] : known_) {
    const bool waits = entry.value.answer == plan::Validation::Answer::none && !running_.contains(content);
    if (waits) due = std::min(due, entry.retry_at);
  }
  return due;
}

std::optional<async::Steady> Validations::retry_at(const plan::ContentKey& content) const {
  const auto found = known_.find(content);
  if (found == known_.end() || found->second.value.answer != plan::Validation::Answer::none) return std::nullopt;
  return found->second.retry_at;
}

void Validations::forget_all_but(const std::set<plan::ContentKey>& wanted) {
  const std::size_t forgotten = std::erase_if(known_, [&](const auto& entry) { return !wanted.contains(entry.first); });
  vetoes_changed_ |= forgotten > 0;
}

void Validations::remember(Known vetoes) {
  known_.clear();
  for (auto& [content, value] : vetoes) known_[content].value = std::move(value);
}

Validations::Known Validations::vetoes() const {
  Known result;
  for (const auto& [content, entry] : known_) {
    if (entry.value.answer == plan::Validation::Answer::vetoed) result.emplace(content, entry.value);
  }
  return result;
}

std::optional<Validations::Known> Validations::unsaved_vetoes() {
  if (!std::exchange(vetoes_changed_, false)) return std::nullopt;
  return vetoes();
}

}  // namespace bundlesync::sync
