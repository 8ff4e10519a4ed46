#pragma once

#include "async/clock.hpp"
#include "async/wakeup.hpp"
#include "base/error.hpp"
#include "catalog/feed.hpp"
#include "plan/desired.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bundlesync::fakes {

/// A catalog in memory: the world that MemoryFeed looks at, and that a test changes.
class MemoryCatalog {
 public:
  /// Puts a template as it is now (known by its id), notifies, and lets later questions see it as changed. The
  /// generation and the change are the catalog's to give: those of `wanted` are raised here.
  void put(plan::WantedTemplate wanted) { put_together({std::move(wanted)}); }
  /// Several templates in one transaction.
  void put_together(std::vector<plan::WantedTemplate> all) {
    const auto change = ++sequence_;
    for (auto& wanted : all) {
      auto& entry = entries_[wanted.id];
      wanted.generation = std::max(wanted.generation, entry.wanted.generation + 1);
      wanted.change = change;
      wanted.history = change;
      entry.changed = change;
      entry.wanted = std::move(wanted);
    }
    notify();
  }
  /// As `put`, but exactly as it says: a lower generation, no change (a damaged or restored catalog).
  void plant(plan::WantedTemplate wanted) {
    auto& entry = entries_[wanted.id];
    entry.changed = ++sequence_;
    entry.wanted = std::move(wanted);
    notify();
  }
  void remove(const std::string& id) {
    auto wanted = entries_.at(id).wanted;
    wanted.deleted = true;
    wanted.enabled = false;
    wanted.current.reset();
    wanted.previous.reset();
    put(std::move(wanted));
  }
  const plan::WantedTemplate& at(const std::string& id) const { return entries_.at(id).wanted; }

  void new_epoch() {
    epoch = "epoch-" + std::to_string(++epochs_);
    notify();
  }
  /// Every session ends, as by pg_terminate_backend.
  void end_sessions() {
    ++sessions_ended;
    wake_all();
  }
  void restart_server() {
    server_started = "started-" + std::to_string(++starts_);
    end_sessions();
  }

  // What is wrong with the world; a test sets and clears it.
  std::optional<Error> connect_error;  ///< connect() ends with it
  std::optional<Error> listen_error;
  std::optional<Error> ask_error;
  bool frozen = false;                  ///< the peer is there and does not answer: only deadlines end a call
  bool notifications_get_lost = false;  ///< a pooler in between
  std::vector<std::string> problems;

  // What happened.
  std::uint64_t connects = 0;
  std::vector<catalog::Question> questions;

  std::string epoch = "epoch-1";
  std::string server_started = "started-1";
  std::uint64_t sessions_ended = 0;

 private:
  friend class MemoryFeed;
  struct Entry {
    plan::WantedTemplate wanted;
    std::uint64_t changed = 0;
  };
  struct Listener {
    bool listening = false;
    bool notified = false;
    async::Wakeup wakeup;
  };

  void notify() {
    if (notifications_get_lost) return;
    for (auto* listener : listeners_) {
      if (!listener->listening) continue;
      listener->notified = true;
      listener->wakeup.notify();
    }
  }
  void wake_all() {
    for (auto* listener : listeners_) listener->wakeup.notify();
  }

  std::map<std::string, Entry> entries_;  ///< by id
  std::vector<Listener*> listeners_;
  std::uint64_t sequence_ = 0;
  std::uint64_t epochs_ = 1;
  std::uint64_t starts_ = 1;
};

/// The feed over a MemoryCatalog. It keeps the port's contract (tests/contract/feed), deadlines included.
class MemoryFeed final : public catalog::Feed {
 public:
  MemoryFeed(asio::any_io_executor executor, async::Clock& clock, MemoryCatalog& world)
      : clock_(clock), world_(world), listener_{false, false, async::Wakeup(std::move(executor))} {
    world_.listeners_.push_back(&listener_);
  }
  ~MemoryFeed() override { std::erase(world_.listeners_, &listener_); }

  Task<Result<catalog::SessionInfo>> connect() override;
  Task<Result<void>> listen() override;
  Task<Result<plan::Answer>> ask(catalog::Question question) override;
  Task<Result<catalog::Waited>> wait(async::Steady deadline) override;
  Task<Result<void>> heartbeat() override;
  Task<Result<bool>> probe() override;
  void close() override {
    session_.reset();
    listener_.listening = false;
    listener_.notified = false;
  }

 private:
  bool open() const { return session_ && *session_ == world_.sessions_ended; }

  Error gone(const std::string& doing);
  Task<Result<void>> answer_of_peer(async::Duration limit, std::string name);
  Task<Result<void>> round_trip(async::Duration limit, std::string name);
  plan::Answer answer(const catalog::Question& question) const;

  async::Clock& clock_;
  MemoryCatalog& world_;
  MemoryCatalog::Listener listener_;
  std::optional<std::uint64_t> session_;
};

}  // namespace bundlesync::fakes
