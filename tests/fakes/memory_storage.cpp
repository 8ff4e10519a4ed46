#include "fakes/memory_storage.hpp"

#include "storage/key_rules.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace bundlesync::fakes {
namespace {

Error missing(const std::string& key) {
  return Error(ErrorKind::not_found, "there is no object " + storage::quoted_key(key) + " in memory://")
      .with_reason("object_missing");
}
Error too_large(const std::string& key, std::uint64_t bytes_max) {
  return Error(ErrorKind::refused,
               "the object " + storage::quoted_key(key) + " is larger than " + std::to_string(bytes_max) + " bytes")
      .with_reason("object_too_large");
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

}  // namespace

Task<Result<storage::ObjectInfo>> MemoryStorage::download(std::string key, std::uint64_t bytes_max,
                                                          storage::ByteSink& sink) {
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

Task<Result<void>> MemoryStorage::upload(std::string key, std::string bytes, std::string) {
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

Task<Result<storage::ObjectInfo>> MemoryStorage::stat(std::string key) {
  auto entered = co_await enter("stat", key);
  if (!entered) co_return fail(std::move(entered.error()));
  const auto it = objects_.find(key);
  if (it == objects_.end()) co_return fail(missing(key));
  storage::ObjectInfo info;
  info.key = key;
  info.size = it->second.size();
  co_return info;
}

Task<Result<std::vector<storage::ObjectInfo>>> MemoryStorage::list(std::string prefix) {
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

Task<Result<void>> MemoryStorage::remove(std::string key) {
  auto entered = co_await enter("remove", key);
  if (!entered) co_return entered;
  objects_.erase(key);
  co_return Result<void>();
}

Task<Result<void>> MemoryStorage::enter(std::string_view verb, std::string key) {
  if (auto good = storage::check_key(key); !good) co_return good;
  asked_.push_back(std::string(verb) + " " + key);
  while (hanging_.contains(key)) co_await wait_for_release();
  if (away_) co_return fail(ErrorKind::unavailable, "memory:// is away");
  if (failures_.empty()) co_return Result<void>();
  Error error = std::move(failures_.front());
  failures_.pop_front();
  co_return fail(std::move(error));
}

Task<> MemoryStorage::wait_for_release() {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, asio::steady_timer::time_point::max());
  const Waiting registered(waiting_, timer);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none)
    throw boost::system::system_error(asio::error::operation_aborted);
}

}  // namespace bundlesync::fakes
