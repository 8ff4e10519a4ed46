#include "report/health_server.hpp"

#include "async/cancelled.hpp"
#include "async/close_on_exec.hpp"
#include "async/wakeup.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include <list>
#include <utility>

// The only file that includes Beast: it takes long to compile.
namespace bundlesync::report {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kLingerBytes = std::size_t{16} << 10;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

Page text_page(http::status status) {
  Page page;
  page.status = static_cast<unsigned>(status);
  page.content_type = "text/plain; charset=utf-8";
  page.body = std::string(http::obsolete_reason(status)) + '\n';
  return page;
}

/// The answer to a request whose header was read.
Page answer(const http::request_header<>& request, Pages& pages) {
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return text_page(http::status::method_not_allowed);
  }
  std::string_view target(request.target().data(), request.target().size());
  target = target.substr(0, target.find('?'));
  auto page = pages.page(target);
  return page ? std::move(*page) : text_page(http::status::not_found);
}

/// The answer to what could not be read; nothing where the peer is gone or was too slow.
std::optional<Page> answer_to_fault(const error_code& error) {
  if (error == http::error::header_limit) return text_page(http::status::request_header_fields_too_large);
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  static const auto& parsing = error_code(http::make_error_code(http::error::bad_method)).category();
  if (error.category() == parsing) return text_page(http::status::bad_request);
  return std::nullopt;
}

http::response<http::string_body> response_of(Page page) {
  http::response<http::string_body> response;
  response.version(11);
  response.result(page.status);
  response.set(http::field::content_type, page.content_type);
  response.set(http::field::cache_control, "no-store");
  for (const auto& [name, value] : page.headers) response.set(name, value);
  if (page.status == static_cast<unsigned>(http::status::method_not_allowed)) {
    response.set(http::field::allow, "GET, HEAD");
  }
  response.keep_alive(false);
  response.body() = std::move(page.body);
  response.prepare_payload();
  return response;
}

using Connection = beast::tcp_stream;

/// Says that nothing more comes and takes a little of what the peer still sends: closing at once would reset the
/// connection and could take the answer from the peer.
Task<> linger(Connection& stream) {
  error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  std::string rest(1024, '\0');
  const auto buffer = asio::buffer(rest);
  for (std::size_t taken = 0; taken < kLingerBytes;) {
    const auto [error, bytes] = co_await stream.async_read_some(buffer, kTuple);
    if (error) co_return;
    taken += bytes;
  }
}

Task<> answer_one(Connection& stream, const HealthServer::Options& options, Pages& pages) {
  stream.expires_after(options.timeout);
  beast::flat_buffer buffer(options.header_bytes_max + 1024);
  http::request_parser<http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(options.header_bytes_max));
  const auto [fault, read] = co_await http::async_read_header(stream, buffer, parser, kTuple);
  std::optional<Page> page = fault ? answer_to_fault(fault) : answer(parser.get(), pages);
  if (!page) co_return;

  const bool head = !fault && parser.get().method() == http::verb::head;
  http::response<http::string_body> response = response_of(std::move(*page));
  http::response_serializer<http::string_body> serializer(response);
  if (head) {
    const auto [error, written] = co_await http::async_write_header(stream, serializer, kTuple);
    if (error) co_return;
  } else {
    const auto [error, written] = co_await http::async_write(stream, serializer, kTuple);
    if (error) co_return;
  }
  co_await linger(stream);
}

}  // namespace

struct HealthServer::State {
  State(asio::any_io_executor executor, Options given, Pages& served)
      : options(std::move(given)), pages(served), acceptor(executor), pause(executor), one_ended(executor) {}

  Options options;
  Pages& pages;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  std::list<Connection> connections;  ///< oldest first
  async::Wakeup one_ended;

  void begin(tcp::socket socket) {
    if (connections.size() >= options.connections_max) connections.front().close();
    const auto entry = connections.emplace(connections.end(), std::move(socket));
    // Its own faults end a connection, nothing else: serve() goes on whatever `thrown` is.
    asio::co_spawn(acceptor.get_executor(), answer_one(*entry, options, pages),
                   [this, entry](const std::exception_ptr& thrown) {
                     static_cast<void>(thrown);
                     connections.erase(entry);
                     one_ended.notify();
                   });
  }
};

Result<std::unique_ptr<HealthServer>> HealthServer::open(asio::any_io_executor executor, Options options,
                                                         Pages& pages) {
  error_code error;
  const bool localhost = options.address == "localhost";
  const auto address = asio::ip::make_address(localhost ? "127.0.0.1" : options.address, error);
  if (error) {
    return fail(ErrorKind::usage, fmt::format("http.listen: '{}' is no numeric address", options.address),
                "give an address and a port, as in 127.0.0.1:9848");
  }
  const std::string where = fmt::format("{}:{}", options.address, options.port);
  const tcp::endpoint endpoint(address, options.port);
  auto state = std::make_unique<State>(std::move(executor), std::move(options), pages);
  state->acceptor.open(endpoint.protocol(), error);
  if (!error) async::close_on_exec(state->acceptor.native_handle());
  if (!error) state->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) state->acceptor.bind(endpoint, error);
  if (!error) state->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use) {
    return fail(Error(ErrorKind::unavailable, fmt::format("port in use: cannot serve health and metrics at {}", where),
                      "set http.listen to another address, or off")
                    .with_reason("port_in_use"));
  }
  if (error) {
    return fail(ErrorKind::failed, fmt::format("cannot serve health and metrics at {}: {}", where, error.message()));
  }
  return std::unique_ptr<HealthServer>(new HealthServer(std::move(state)));
}

HealthServer::HealthServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
HealthServer::~HealthServer() = default;

std::uint16_t HealthServer::port() const {
  return state_->acceptor.local_endpoint().port();
}

Task<Result<void>> HealthServer::serve() {
  State& state = *state_;
  // Cancellation is looked at by hand: what was begun must end before this does.
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::cancellation_state cancelled = co_await asio::this_coro::cancellation_state;
  while (cancelled.cancelled() == asio::cancellation_type::none) {
    auto [error, socket] = co_await state.acceptor.async_accept(kTuple);
    if (!error) {
      async::close_on_exec(socket.native_handle());
      state.begin(std::move(socket));
    } else if (error != asio::error::operation_aborted) {
      // Out of descriptors, most likely: it passes, and asking again at once would only burn the processor.
      state.pause.expires_after(kAcceptPause);
      co_await state.pause.async_wait(kTuple);
    }
  }

  state.acceptor.close();
  for (auto& connection : state.connections) connection.close();
  const asio::disable_cancellation no_cancellation;
  co_await asio::this_coro::reset_cancellation_state(no_cancellation);
  while (!state.connections.empty()) co_await state.one_ended.wait();
  co_await asio::this_coro::throw_if_cancelled(true);
  std::rethrow_exception(async::operation_aborted());
}

}  // namespace bundlesync::report
