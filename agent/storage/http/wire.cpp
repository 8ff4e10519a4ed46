#include "storage/http/wire.hpp"

#include "async/cancelled.hpp"
#include "async/close_on_exec.hpp"
#include "storage/http/errors.hpp"
#include "storage/http/tls_session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <vector>

namespace bundlesync::storage::http {
namespace {

namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kWriteBytesMax = 16 << 10;
constexpr int kUnsentBytesMax = 64 << 10;
constexpr std::size_t kEncryptedBytesMax = 17 << 10;  ///< one record fits

Io ended(const error_code& error) {
  if (error == asio::error::operation_aborted) std::rethrow_exception(async::operation_aborted());
  if (error == beast::error::timeout) return Io(Io::End::late);
  if (error == asio::error::eof) return Io(Io::End::closed);
  return Io(Io::End::broken, error);
}

bool is_past(async::Steady until) {
  return std::chrono::steady_clock::now() >= until;
}

/// Makes the socket before it connects, for what must be set by then.
error_code prepare(beast::tcp_stream& stream, const tcp& protocol, const Options& options) {
  error_code error;
  auto& socket = stream.socket();
  socket.open(protocol, error);
  if (!error) async::close_on_exec(socket.native_handle());
  if (!error && options.receive_buffer_bytes > 0)
    socket.set_option(asio::socket_base::receive_buffer_size(options.receive_buffer_bytes), error);
  if (!error) socket.set_option(tcp::no_delay(true), error);
  // What the kernel took is not yet gone: little of it waits there, so that the pace of an upload is the network's.
  const int unsent = kUnsentBytesMax;
  if (!error) ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
  return error;
}

}  // namespace

struct Wire::State {
  explicit State(asio::any_io_executor executor) : stream(std::move(executor)) {}
  beast::tcp_stream stream;
  std::unique_ptr<TlsSession> tls;  ///< null when plain
  std::vector<char> encrypted;      ///< empty when plain
};

Wire::Wire(asio::any_io_executor executor) : state_(std::make_unique<State>(std::move(executor))) {}

Wire::~Wire() = default;

Task<Result<void>> Wire::open(const Origin& origin, const Endpoints& endpoints, const Options& options,
                              async::Steady until, std::chrono::milliseconds limit) {
  auto connected = co_await connect(origin, endpoints, options, until, limit);
  if (!connected || !origin.tls) co_return connected;
  auto shaken = co_await shake_hands(origin, options, until, limit);
  co_return shaken;
}

Task<Result<void>> Wire::connect(const Origin& origin, const Endpoints& endpoints, const Options& options,
                                 async::Steady until, std::chrono::milliseconds limit) {
  auto& stream = state_->stream;
  error_code last;
  for (std::size_t at = 0; at < endpoints.size(); ++at) {
    // An address that swallows packets leaves time for those after it.
    const auto now = std::chrono::steady_clock::now();
    const auto share = (until - now) / static_cast<std::int64_t>(endpoints.size() - at);
    last = prepare(stream, endpoints[at].protocol(), options);
    if (!last) {
      stream.expires_at(now + share);
      const auto [error] = co_await stream.async_connect(endpoints[at], kTuple);
      if (!error) co_return Result<void>();
      last = error;
    }
    if (last == asio::error::operation_aborted) std::rethrow_exception(async::operation_aborted());
    stream.close();
  }
  if (last == beast::error::timeout) co_return fail(errors::connect_timeout(origin.to_string(), limit));
  co_return fail(errors::connect_failed(origin.to_string(), last));
}

Task<Result<void>> Wire::shake_hands(const Origin& origin, const Options& options, async::Steady until,
                                     std::chrono::milliseconds limit) {
  auto session = TlsSession::create(origin, options.ca_file);
  if (!session) co_return fail(std::move(session.error()));
  state_->tls = std::move(*session);
  state_->encrypted.resize(kEncryptedBytesMax);

  const std::string where = origin.to_string();
  for (;;) {
    const auto step = state_->tls->handshake();
    const auto sent = co_await flush(until);  // after an error: the alert that tells the peer
    if (!step) co_return fail(step.error());
    auto io = sent;
    if (io.end == Io::End::none && *step) co_return Result<void>();
    if (io.end == Io::End::none) io = co_await read_encrypted(until);
    if (io.end == Io::End::late) co_return fail(errors::handshake_timeout(where, limit));
    if (io.end != Io::End::none) co_return fail(errors::closed_in_handshake(where));
  }
}

Task<Io> Wire::read_some(char* data, std::size_t size, async::Steady until) {
  if (!state_->tls) {
    if (is_past(until)) co_return Io(Io::End::late);
    state_->stream.expires_at(until);
    const auto buffer = asio::buffer(data, size);
    const auto [error, bytes] = co_await state_->stream.async_read_some(buffer, kTuple);
    co_return error ? ended(error) : Io(bytes);
  }
  for (;;) {
    const auto read = state_->tls->read(data, size);
    if (read.bytes > 0) co_return Io(read.bytes);
    if (read.state == TlsSession::State::ended) co_return Io(Io::End::closed);
    if (read.state == TlsSession::State::failed)
      co_return Io(Io::End::broken, error_code(asio::error::connection_reset));
    const auto sent = co_await flush(until);  // an answer to a key update, seldom
    if (sent.end != Io::End::none) co_return sent;
    const auto came = co_await read_encrypted(until);
    if (came.end == Io::End::closed) co_return Io(Io::End::cut_off);
    if (came.end != Io::End::none) co_return came;
  }
}

Task<Io> Wire::write_some(std::string_view bytes, async::Steady until) {
  bytes = bytes.substr(0, kWriteBytesMax);
  if (state_->tls) {
    if (!state_->tls->write(bytes)) co_return Io(Io::End::broken, error_code(asio::error::connection_reset));
    const auto sent = co_await flush(until);
    co_return sent.end == Io::End::none ? Io(bytes.size()) : sent;
  }
  if (is_past(until)) co_return Io(Io::End::late);
  state_->stream.expires_at(until);
  const auto buffer = asio::buffer(bytes);
  const auto [error, written] = co_await state_->stream.async_write_some(buffer, kTuple);
  co_return error ? ended(error) : Io(written);
}

Task<Io> Wire::read_encrypted(async::Steady until) {
  if (is_past(until)) co_return Io(Io::End::late);
  auto& state = *state_;
  state.stream.expires_at(until);
  const auto buffer = asio::buffer(state.encrypted);
  const auto [error, bytes] = co_await state.stream.async_read_some(buffer, kTuple);
  if (error) co_return ended(error);
  state.tls->give_input(std::string_view(state.encrypted.data(), bytes));
  co_return Io(bytes);
}

Task<Io> Wire::flush(async::Steady until) {
  const std::string output = state_->tls->take_output();
  std::size_t sent = 0;
  while (sent < output.size()) {
    if (is_past(until)) co_return Io(Io::End::late);
    state_->stream.expires_at(until);
    const auto buffer = asio::buffer(output) + sent;
    const auto [error, bytes] = co_await state_->stream.async_write_some(buffer, kTuple);
    if (error) co_return ended(error);
    sent += bytes;
  }
  co_return Io(sent);
}

bool Wire::is_quiet() const {
  if (state_->tls && state_->tls->has_unread()) return false;
  char byte = 0;
  const int socket = const_cast<State&>(*state_).stream.socket().native_handle();
  const auto seen = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace bundlesync::storage::http
