#include "storage/http/client.hpp"

#include "storage/http/errors.hpp"
#include "storage/http/exchange.hpp"
#include "storage/http/idle_wires.hpp"
#include "storage/http/lookup.hpp"
#include "storage/http/request_head.hpp"
#include "storage/http/wire.hpp"

#include <algorithm>
#include <utility>

namespace bundlesync::storage::http {

class Client::Impl {
 public:
  Impl(asio::any_io_executor executor, Origin origin, Options options)
      : executor_(executor),
        origin_(std::move(origin)),
        options_(std::move(options)),
        lookup_(executor, origin_),
        idle_(executor, options_.idle_max, options_.idle_time) {}

  Task<Result<Response>> perform(Request request, std::uint64_t bytes_max, ByteSink* sink);

 private:
  Task<Result<std::unique_ptr<Wire>>> open_wire(async::Steady whole_until);
  /// The error, or the whole's when that time is what ran out in the phase.
  Error named(Error error, async::Steady whole_until) const;
  void settle(std::unique_ptr<Wire> wire, const Exchange& exchange) {
    if (exchange.is_reusable()) idle_.keep(std::move(wire));
  }

  asio::any_io_executor executor_;
  Origin origin_;
  Options options_;
  Lookup lookup_;
  IdleWires idle_;
};

Task<Result<std::unique_ptr<Wire>>> Client::Impl::open_wire(async::Steady whole_until) {
  const auto& limits = options_.deadlines;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(whole_until - std::chrono::steady_clock::now());
  auto endpoints = co_await lookup_.find(std::min(limits.connect, left));
  if (!endpoints) co_return fail(named(std::move(endpoints.error()), whole_until));

  auto wire = std::make_unique<Wire>(executor_);
  const auto until = std::min(std::chrono::steady_clock::now() + limits.connect, whole_until);
  auto opened = co_await wire->open(origin_, *endpoints, options_, until, limits.connect);
  if (!opened) co_return fail(named(std::move(opened.error()), whole_until));
  co_return wire;
}

Error Client::Impl::named(Error error, async::Steady whole_until) const {
  const bool is_over = std::chrono::steady_clock::now() >= whole_until;
  if (error.kind() != ErrorKind::timed_out || !is_over) return error;
  return errors::whole_timeout(origin_.to_string(), options_.deadlines.whole);
}

Task<Result<Response>> Client::Impl::perform(Request request, std::uint64_t bytes_max, ByteSink* sink) {
  auto head = request_head(origin_, request, options_);
  if (!head) co_return fail(std::move(head.error()));
  const auto whole_until = std::chrono::steady_clock::now() + options_.deadlines.whole;
  const Asked asked{origin_, options_, request, *head, bytes_max, sink, whole_until};

  if (auto kept = idle_.take()) {
    Exchange exchange(*kept, asked);
    auto answer = co_await exchange.run();
    if (answer || !exchange.lost_before_answer() || !is_repeatable(request)) {
      settle(std::move(kept), exchange);
      co_return answer;
    }
    // The server closed it just then; it will have closed its like, too.
    idle_.clear();
  }
  auto wire = co_await open_wire(whole_until);
  if (!wire) co_return fail(std::move(wire.error()));
  Exchange exchange(**wire, asked);
  auto answer = co_await exchange.run();
  settle(std::move(*wire), exchange);
  co_return answer;
}

Client::Client(asio::any_io_executor executor, Origin origin, Options options)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(origin), std::move(options))) {}

Client::~Client() = default;

Task<Result<Response>> Client::send(Request request, std::uint64_t body_max) {
  return impl_->perform(std::move(request), body_max, nullptr);
}

Task<Result<Response>> Client::stream(Request request, std::uint64_t bytes_max, ByteSink& sink) {
  return impl_->perform(std::move(request), bytes_max, &sink);
}

}  // namespace bundlesync::storage::http
