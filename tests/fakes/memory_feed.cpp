#include "fakes/memory_feed.hpp"

namespace bundlesync::fakes {

Task<Result<catalog::SessionInfo>> MemoryFeed::connect() {
  close();
  ++world_.connects;
  auto away = co_await answer_of_peer(std::chrono::seconds(5), "connecting to memory");
  if (!away) co_return fail(std::move(away).error());
  if (world_.connect_error) co_return fail(*world_.connect_error);
  session_ = world_.sessions_ended;
  catalog::SessionInfo info;
  info.host = "memory:0";
  info.database = "memory";
  info.role = "bundlesync_agent";
  co_return info;
}

Task<Result<void>> MemoryFeed::listen() {
  auto alive = co_await round_trip(std::chrono::seconds(5), "listening");
  if (!alive) co_return alive;
  if (world_.listen_error) co_return fail(*world_.listen_error);
  listener_.listening = true;
  co_return Result<void>();
}

Task<Result<plan::Answer>> MemoryFeed::ask(catalog::Question question) {
  listener_.notified = false;
  auto alive = co_await round_trip(std::chrono::seconds(15), "asking for the desired versions");
  if (!alive) co_return fail(std::move(alive).error());
  world_.questions.push_back(question);
  if (world_.ask_error) co_return fail(*world_.ask_error);
  co_return answer(question);
}

Task<Result<catalog::Waited>> MemoryFeed::wait(async::Steady deadline) {
  while (true) {
    if (!open()) co_return fail(gone("reading"));
    if (std::exchange(listener_.notified, false)) co_return catalog::Waited::notified;
    if (clock_.now() >= deadline) co_return catalog::Waited::deadline;
    co_await listener_.wakeup.wait_until(clock_, deadline);
  }
}

Task<Result<void>> MemoryFeed::heartbeat() {
  auto alive = co_await round_trip(std::chrono::seconds(5), "the heartbeat");
  co_return alive;
}

Task<Result<bool>> MemoryFeed::probe() {
  auto alive = co_await round_trip(std::chrono::seconds(5), "listening for the canary");
  if (!alive) co_return fail(std::move(alive).error());
  co_return !world_.notifications_get_lost;
}

Error MemoryFeed::gone(const std::string& doing) {
  close();
  return Error(ErrorKind::unavailable, doing + ": the connection was closed");
}

Task<Result<void>> MemoryFeed::answer_of_peer(async::Duration limit, std::string name) {
  co_await clock_.sleep_until(clock_.now());
  if (!world_.frozen) co_return Result<void>();
  co_await clock_.sleep_until(clock_.now() + limit);
  close();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
  co_return fail(ErrorKind::timed_out, name + " did not end within " + std::to_string(seconds) + "s");
}

Task<Result<void>> MemoryFeed::round_trip(async::Duration limit, std::string name) {
  if (!open()) co_return fail(gone(name));
  auto answered = co_await answer_of_peer(limit, name);
  if (!answered) co_return answered;
  if (!open()) co_return fail(gone(name));
  co_return Result<void>();
}

plan::Answer MemoryFeed::answer(const catalog::Question& question) const {
  plan::Answer answer;
  answer.full = question.since.empty();
  answer.epoch = world_.epoch;
  answer.server_started = world_.server_started;
  answer.schema_version = 1;
  answer.snapshot = std::to_string(world_.sequence_);
  answer.problems = world_.problems;
  const std::uint64_t since = answer.full ? 0 : std::stoull(question.since);
  for (const auto& [id, entry] : world_.entries_) {
    if (!answer.full && entry.changed <= since) continue;
    const bool named =
        !question.names || std::ranges::find(*question.names, entry.wanted.name) != question.names->end();
    const bool followed = std::ranges::find(question.ids, id) != question.ids.end();
    if (named || followed) answer.templates.push_back(entry.wanted);
  }
  std::ranges::sort(answer.templates, {}, &plan::WantedTemplate::name);
  return answer;
}

}  // namespace bundlesync::fakes
