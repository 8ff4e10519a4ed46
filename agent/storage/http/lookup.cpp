#include "storage/http/lookup.hpp"

#include "async/cancelled.hpp"
#include "storage/http/errors.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <list>
#include <optional>

namespace bundlesync::storage::http {
namespace {

using boost::system::error_code;
using Resolver = asio::ip::tcp::resolver;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

/// What one call of getaddrinfo gave; shared by all who waited for it.
struct Found {
  std::optional<error_code> ended;
  Endpoints endpoints;
};

}  // namespace

struct Lookup::State {
  State(asio::any_io_executor executor, Origin given) : resolver(executor), origin(std::move(given)) {}

  Resolver resolver;
  Origin origin;
  std::shared_ptr<Found> running;  ///< null while no call runs
  std::list<asio::steady_timer> waiting;

  /// Those who wait refer to `state`, and getaddrinfo may end after all of them.
  static void begin(const std::shared_ptr<State>& state) {
    state->running = std::make_shared<Found>();
    state->resolver.async_resolve(
        state->origin.host, std::to_string(state->origin.port), Resolver::numeric_service,
        [state](const error_code& error, const Resolver::results_type& results) { state->end(error, results); });
  }

  void end(const error_code& error, const Resolver::results_type& results) {
    for (const auto& result : results) {
      if (running->endpoints.size() < endpoints_max) running->endpoints.push_back(result.endpoint());
    }
    const bool is_empty = !error && running->endpoints.empty();
    running->ended = is_empty ? error_code(asio::error::host_not_found) : error;
    running.reset();
    for (auto& timer : waiting) timer.cancel();
  }
};

namespace {

/// A timer among those that the end of the call wakes, for as long as this lives.
class Place {
 public:
  Place(std::list<asio::steady_timer>& waiting, const asio::any_io_executor& executor, async::Steady until)
      : waiting_(waiting), timer_(waiting.emplace(waiting.end(), executor, until)) {}
  ~Place() { waiting_.erase(timer_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  asio::steady_timer& timer() { return *timer_; }

 private:
  std::list<asio::steady_timer>& waiting_;
  std::list<asio::steady_timer>::iterator timer_;
};

}  // namespace

Lookup::Lookup(asio::any_io_executor executor, Origin origin)
    : state_(std::make_shared<State>(std::move(executor), std::move(origin))) {}

Lookup::~Lookup() = default;

Task<Result<Endpoints>> Lookup::find(std::chrono::milliseconds limit) {
  const auto state = state_;
  error_code no_address;
  const auto address = asio::ip::make_address(state->origin.host, no_address);
  if (!no_address) co_return Endpoints(1, asio::ip::tcp::endpoint(address, state->origin.port));

  if (!state->running) State::begin(state);
  const auto found = state->running;
  const auto until = std::chrono::steady_clock::now() + limit;
  {
    Place place(state->waiting, state->resolver.get_executor(), until);
    const auto [woken] = co_await place.timer().async_wait(kTuple);
    if (woken && !found->ended) std::rethrow_exception(async::operation_aborted());  // from outside
  }
  if (!found->ended) co_return fail(errors::lookup_timeout(state->origin.host, limit));
  if (*found->ended) co_return fail(errors::dns_failed(state->origin.to_string(), state->origin.host, *found->ended));
  co_return found->endpoints;
}

}  // namespace bundlesync::storage::http
