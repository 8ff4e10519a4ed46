#include "support/liar_server.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <list>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace bundlesync::tests {
namespace {

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

void check(bool good, const char* what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

Context make_context(const LiarOptions& options) {
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const auto as_bio = [](const std::string& pem) {
    return std::unique_ptr<BIO, decltype(&BIO_free)>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                     BIO_free);
  };
  const auto certificate_pem = as_bio(options.tls->certificate_pem);
  const auto key_pem = as_bio(options.tls->key_pem);
  X509* const certificate = PEM_read_bio_X509(certificate_pem.get(), nullptr, nullptr, nullptr);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_pem.get(), nullptr, nullptr, nullptr);
  const bool good =
      SSL_CTX_use_certificate(context.get(), certificate) == 1 && SSL_CTX_use_PrivateKey(context.get(), key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (!good) throw std::runtime_error("the liar's certificate cannot be used");
  if (options.tls_versions != TlsVersions::from_1_2) {
    const int version = options.tls_versions == TlsVersions::only_1_0 ? TLS1_VERSION : TLS1_1_VERSION;
    SSL_CTX_set_security_level(context.get(), 0);  // else OpenSSL 3 has no signature that these allow
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
  }
  return context;
}

}  // namespace

struct LiarPeer::State {
  LiarServer::Impl& server;
  std::size_t number = 0;
  int socket = -1;
  SSL* tls = nullptr;
  std::string unread;
  bool is_reset = false;
  bool is_cut = false;
  bool is_over = false;
};

struct LiarServer::Impl {
  Impl(Script given, LiarOptions chosen)
      : script(std::move(given)), options(std::move(chosen)), context(nullptr, SSL_CTX_free) {}

  Script script;
  LiarOptions options;
  Context context;
  int listener = -1;
  std::uint16_t port = 0;
  std::atomic<std::uint64_t> sent = 0;
  std::atomic<std::uint64_t> received = 0;
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  bool stopping = false;
  std::size_t accepted = 0;
  std::vector<int> open;  ///< sockets
  std::vector<std::string> requests;
  std::list<std::thread> scripts;
  std::thread acceptor;

  void accept_all();
  void serve(int socket, std::size_t number);
  bool begin_tls(LiarPeer::State& state);
};

void LiarServer::Impl::accept_all() {
  for (;;) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex);
    if (stopping) {
      if (socket >= 0) ::close(socket);
      return;
    }
    if (socket < 0) continue;
    open.push_back(socket);
    scripts.emplace_back([this, socket, number = accepted++] { serve(socket, number); });
  }
}

bool LiarServer::Impl::begin_tls(LiarPeer::State& state) {
  if (!context) return true;
  state.tls = SSL_new(context.get());
  SSL_set_fd(state.tls, state.socket);
  const bool good = SSL_accept(state.tls) == 1;
  ERR_clear_error();
  return good;
}

void LiarServer::Impl::serve(int socket, std::size_t number) {
  sigset_t broken_pipe;  // OpenSSL writes without MSG_NOSIGNAL
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);

  LiarPeer::State state{*this, number, socket, nullptr, {}};
  LiarPeer peer(state);
  if (begin_tls(state)) {
    script(peer);
    peer.close();
  }
  SSL_free(state.tls);
  const std::lock_guard lock(mutex);
  std::erase(open, socket);
  ::close(socket);
  changed.notify_all();
}

std::size_t LiarPeer::number() const {
  return state_.number;
}

namespace {

/// At most 16 KiB more; false at the end.
bool receive(LiarPeer::State& state, std::string& into, std::atomic<std::uint64_t>& count) {
  char bytes[16 << 10];
  const auto came =
      state.tls != nullptr ? SSL_read(state.tls, bytes, sizeof bytes) : ::recv(state.socket, bytes, sizeof bytes, 0);
  if (state.tls != nullptr) ERR_clear_error();
  if (came <= 0) return false;
  into.append(bytes, static_cast<std::size_t>(came));
  count += static_cast<std::uint64_t>(came);
  return true;
}

std::size_t content_length(const std::string& header) {
  constexpr std::string_view name = "\r\nContent-Length: ";
  const auto at = header.find(name);
  std::size_t length = 0;
  if (at != std::string::npos) std::from_chars(header.data() + at + name.size(), header.data() + header.size(), length);
  return length;
}

}  // namespace

std::string LiarPeer::read_request() {
  auto& unread = state_.unread;
  auto& server = state_.server;
  std::size_t header_end = unread.find("\r\n\r\n");
  while (header_end == std::string::npos) {
    if (state_.is_over || !receive(state_, unread, server.received)) return "";
    header_end = unread.find("\r\n\r\n");
  }
  const auto size = header_end + 4 + content_length(unread.substr(0, header_end + 2));
  while (unread.size() < size) {
    if (!receive(state_, unread, server.received)) return "";
  }
  std::string request = unread.substr(0, size);
  unread.erase(0, size);
  const std::lock_guard lock(server.mutex);
  server.requests.push_back(request);
  return request;
}

bool LiarPeer::send(std::string_view bytes) {
  while (!bytes.empty() && !state_.is_over) {
    const auto piece = bytes.substr(0, 16 << 10);
    const auto went = state_.tls != nullptr ? SSL_write(state_.tls, piece.data(), static_cast<int>(piece.size()))
                                            : ::send(state_.socket, piece.data(), piece.size(), MSG_NOSIGNAL);
    if (state_.tls != nullptr) ERR_clear_error();
    if (went <= 0) return false;
    state_.server.sent += static_cast<std::uint64_t>(went);
    bytes.remove_prefix(static_cast<std::size_t>(went));
  }
  return !state_.is_over;
}

void LiarPeer::send_for_ever(std::string_view bytes) {
  while (send(bytes)) {
  }
}

bool LiarPeer::pause(std::chrono::milliseconds time) {
  auto& server = state_.server;
  std::unique_lock lock(server.mutex);
  return !server.changed.wait_for(lock, time, [&] { return server.stopping; });
}

void LiarPeer::close() {
  if (state_.is_over) return;
  if (state_.tls != nullptr) SSL_shutdown(state_.tls);
  cut();
}

void LiarPeer::cut() {
  if (state_.is_over) return;
  state_.is_over = true;
  // What the peer sent and we did not read would turn the close into a reset.
  ::shutdown(state_.socket, SHUT_WR);
  pollfd readable = {state_.socket, POLLIN, 0};
  char bytes[4096];
  while (::poll(&readable, 1, 200) == 1 && ::recv(state_.socket, bytes, sizeof bytes, 0) > 0) {
  }
  ::shutdown(state_.socket, SHUT_RDWR);
}

void LiarPeer::reset() {
  if (state_.is_over) return;
  state_.is_over = true;
  // The peer reads first what it got: a reset takes away what waits in its buffer.
  pause(std::chrono::milliseconds(50));
  const linger now = {1, 0};
  ::setsockopt(state_.socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

bool LiarPeer::wait_closed(std::chrono::milliseconds at_most) {
  const auto until = std::chrono::steady_clock::now() + at_most;
  char bytes[4096];
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd readable = {state_.socket, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) != 1) return false;
    if (::recv(state_.socket, bytes, sizeof bytes, 0) <= 0) return true;
  }
}

LiarServer::LiarServer(Script script, LiarOptions options)
    : impl_(std::make_unique<Impl>(std::move(script), std::move(options))) {
  auto& impl = *impl_;
  if (impl.options.tls) impl.context = make_context(impl.options);
  impl.listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(impl.listener >= 0, "socket");
  if (const int size = impl.options.send_buffer_bytes; size > 0)
    check(::setsockopt(impl.listener, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0, "SO_SNDBUF");
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  check(::bind(impl.listener, any, size) == 0 && ::listen(impl.listener, 128) == 0, "bind");
  check(::getsockname(impl.listener, any, &size) == 0, "getsockname");
  impl.port = ntohs(address.sin_port);
  impl.acceptor = std::thread([&impl] { impl.accept_all(); });
}

LiarServer::~LiarServer() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    for (const int socket : impl_->open) ::shutdown(socket, SHUT_RDWR);
    ::shutdown(impl_->listener, SHUT_RDWR);
  }
  impl_->changed.notify_all();
  impl_->acceptor.join();
  for (auto& script : impl_->scripts) script.join();
  ::close(impl_->listener);
}

std::uint16_t LiarServer::port() const {
  return impl_->port;
}

std::size_t LiarServer::connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->accepted;
}

std::size_t LiarServer::open_connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->open.size();
}

std::vector<std::string> LiarServer::requests() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->requests;
}

std::uint64_t LiarServer::bytes_sent() const {
  return impl_->sent;
}

std::uint64_t LiarServer::bytes_received() const {
  return impl_->received;
}

bool LiarServer::wait_idle(std::chrono::milliseconds at_most) const {
  std::unique_lock lock(impl_->mutex);
  return impl_->changed.wait_for(lock, at_most, [this] { return impl_->open.empty(); });
}

LiarServer::Script always(std::string answer) {
  return [answer = std::move(answer)](LiarPeer& peer) {
    while (!peer.read_request().empty() && peer.send(answer)) {
    }
  };
}

std::string answer_of(std::string_view body, int status, std::string_view more_headers) {
  return fmt::format("HTTP/1.1 {} Said\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), more_headers, body);
}

}  // namespace bundlesync::tests
