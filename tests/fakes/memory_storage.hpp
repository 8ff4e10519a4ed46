#pragma once

#include "storage/storage.hpp"

#include <boost/asio/steady_timer.hpp>

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
                                             storage::ByteSink& sink) override;
  Task<Result<void>> upload(std::string key, std::string bytes, std::string type) override;
  Task<Result<storage::ObjectInfo>> stat(std::string key) override;
  Task<Result<std::vector<storage::ObjectInfo>>> list(std::string prefix) override;
  Task<Result<void>> remove(std::string key) override;
  std::string describe() const override { return "memory://"; }

 private:
  Task<Result<void>> enter(std::string_view verb, std::string key);
  Task<> wait_for_release();

  std::string as_told(const std::string& key, std::string bytes) const {
    if (lies_.contains(key)) {
      for (char& byte : bytes) byte = static_cast<char>(byte ^ 1);
    }
    if (const auto it = truncated_.find(key); it != truncated_.end() && it->second < bytes.size())
      bytes.resize(it->second);
    return bytes;
  }

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
