#pragma once

#include "base/digest.hpp"
#include "storage/key_rules.hpp"
#include "storage/storage.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bundlesync::fakes {

/// Storage in memory, with a world that misbehaves on demand. Passes tests/contract/storage when nothing is asked of
/// it. One thread. Everything it was asked is in asked().
class MemoryStorage final : public storage::Storage {
 public:
  // The world, behind the port's back.
  void put(const std::string& key, std::string bytes) { objects_[key] = std::move(bytes); }
  void drop(const std::string& key) { objects_.erase(key); }
  std::optional<std::string> bytes_of(const std::string& key) const {
    const auto it = objects_.find(key);
    return it == objects_.end() ? std::nullopt : std::optional(it->second);
  }
  const std::map<std::string, std::string>& objects() const { return objects_; }

  // Faults. Each stays until it is taken back, but for those with a number of times.
  /// The next `times` calls, of whatever kind, end with this error before they do anything.
  void fail_next(std::uint64_t times, const Error& error) {
    for (std::uint64_t i = 0; i < times; ++i) failures_.push_back(error);
  }
  /// Like fail_next, for uploads that did their work all the same: the answer was lost.
  void lose_next_upload_answer(const Error& error) { lost_answers_.push_back(error); }
  /// Every call for this key waits until release() or its cancellation.
  void hang(const std::string& key) { hanging_.insert(key); }
  void release(const std::string& key) {
    hanging_.erase(key);
    for (auto* timer : waiting_) timer->cancel();
  }
  /// Downloads of this key give other bytes of the same length.
  void lie_about(const std::string& key) { lies_.insert(key); }
  /// Downloads of this key end without an error after `bytes`.
  void truncate(const std::string& key, std::uint64_t bytes) { truncated_[key] = bytes; }
  /// Downloads of this key hand on `bytes` and then fail.
  void break_after(const std::string& key, std::uint64_t bytes, const Error& error) {
    broken_.insert_or_assign(key, std::pair(bytes, error));
  }
  /// Gone as a whole: every call is unavailable.
  void set_away(bool away) { away_ = away; }
  void heal() {
    failures_.clear();
    lost_answers_.clear();
    lies_.clear();
    truncated_.clear();
    broken_.clear();
    away_ = false;
    const auto hanging = hanging_;
    for (const auto& key : hanging) release(key);
  }

  // What happened.
  /// "download <key>", "upload <key>", … in order.
  const std::vector<std::string>& asked() const { return asked_; }
  void forget_asked() { asked_.clear(); }
  std::uint64_t bytes_downloaded() const { return bytes_downloaded_; }

  Task<Result<storage::ObjectInfo>> download(std::string key, std::uint64_t bytes_max,
                                             storage::ByteSink& sink) override {
    auto entered = co_await enter("download", key);
    if (!entered) co_return fail(std::move(entered.error()));
    const auto it = objects_.find(key);
    if (it == objects_.end()) co_return fail(missing(key));
    const std::string bytes = as_told(key, it->second);

    storage::ObjectInfo info;
    info.key = key;
    const auto broken = broken_.find(key);
    const std::uint64_t limit =
        broken == broken_.end() ? bytes.size() : std::min<std::uint64_t>(broken->second.first, bytes.size());
    if (bytes.size() > bytes_max) co_return fail(too_large(key, bytes_max));
    while (info.size < limit) {
      const std::string piece =
          bytes.substr(info.size, std::min<std::uint64_t>(storage::piece_bytes_max, limit - info.size));
      auto taken = co_await sink.write(piece);
      if (!taken) co_return fail(std::move(taken.error()));
      info.size += piece.size();
      bytes_downloaded_ += piece.size();
    }
    if (broken != broken_.end()) co_return fail(broken->second.second);
    co_return info;
  }

  Task<Result<void>> upload(std::string key, std::string bytes, std::string) override {
    auto entered = co_await enter("upload", key);
    if (!entered) co_return entered;
    if (objects_.contains(key)) {
      co_return fail(
          Error(ErrorKind::conflict, "the object " + storage::quoted_key(key) + " exists already in " + describe())
              .with_reason("object_exists"));
    }
    objects_[key] = std::move(bytes);
    if (lost_answers_.empty()) co_return Result<void>();
    Error lost = std::move(lost_answers_.front());
    lost_answers_.pop_front();
    co_return fail(std::move(lost));
  }

  Task<Result<storage::ObjectInfo>> stat(std::string key) override {
    auto entered = co_await enter("stat", key);
    if (!entered) co_return fail(std::move(entered.error()));
    const auto it = objects_.find(key);
    if (it == objects_.end()) co_return fail(missing(key));
    storage::ObjectInfo info;
    info.key = key;
    info.size = it->second.size();
    co_return info;
  }

  Task<Result<std::vector<storage::ObjectInfo>>> list(std::string prefix) override {
    auto entered = co_await enter("list", prefix);
    if (!entered) co_return fail(std::move(entered.error()));
    std::vector<storage::ObjectInfo> found;
    for (const auto& [key, bytes] : objects_) {
      if (!key.starts_with(prefix + "/")) continue;
      auto& info = found.emplace_back();
      info.key = key;
      info.size = bytes.size();
    }
    co_return found;
  }

  Task<Result<void>> remove(std::string key) override {
    auto entered = co_await enter("remove", key);
    if (!entered) co_return entered;
    objects_.erase(key);
    co_return Result<void>();
  }

  std::string describe() const override { return "memory://"; }

 private:
  static Error missing(const std::string& key) {
    return Error(ErrorKind::not_found, "there is no object " + storage::quoted_key(key) + " in memory://")
        .with_reason("object_missing");
  }
  static Error too_large(const std::string& key, std::uint64_t bytes_max) {
    return Error(ErrorKind::refused,
                 "the object " + storage::quoted_key(key) + " is larger than " + std::to_string(bytes_max) + " bytes")
        .with_reason("object_too_large");
  }

  Task<Result<void>> enter(std::string_view verb, std::string key) {
    if (auto good = storage::check_key(key); !good) co_return good;
    asked_.push_back(std::string(verb) + " " + key);
    while (hanging_.contains(key)) co_await wait_for_release();
    if (away_) co_return fail(ErrorKind::unavailable, "memory:// is away");
    if (failures_.empty()) co_return Result<void>();
    Error error = std::move(failures_.front());
    failures_.pop_front();
    co_return fail(std::move(error));
  }

  Task<> wait_for_release() {
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, asio::steady_timer::time_point::max());
    const Waiting registered(waiting_, timer);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none)
      throw boost::system::system_error(asio::error::operation_aborted);
  }

  std::string as_told(const std::string& key, std::string bytes) const {
    if (lies_.contains(key)) {
      for (char& byte : bytes) byte = static_cast<char>(byte ^ 1);
    }
    if (const auto it = truncated_.find(key); it != truncated_.end() && it->second < bytes.size())
      bytes.resize(it->second);
    return bytes;
  }

  class Waiting {
   public:
    Waiting(std::list<asio::steady_timer*>& all, asio::steady_timer& timer)
        : all_(all), at_(all.insert(all.end(), &timer)) {}
    ~Waiting() { all_.erase(at_); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    std::list<asio::steady_timer*>& all_;
    std::list<asio::steady_timer*>::iterator at_;
  };

  std::map<std::string, std::string> objects_;
  std::deque<Error> failures_;
  std::deque<Error> lost_answers_;
  std::set<std::string> hanging_;
  std::set<std::string> lies_;
  std::map<std::string, std::uint64_t> truncated_;
  std::map<std::string, std::pair<std::uint64_t, Error>> broken_;
  bool away_ = false;
  std::list<asio::steady_timer*> waiting_;
  std::vector<std::string> asked_;
  std::uint64_t bytes_downloaded_ = 0;
};

}  // namespace bundlesync::fakes
