#include "support/supabase_server.hpp"

#include "support/supabase/connection.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <arpa/inet.h>
#include <condition_variable>
#include <csignal>
#include <list>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <set>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace bundlesync::tests {

using supabase::Answer;
using supabase::Connection;
using supabase::Request;

struct SupabaseServer::State {
  struct Serving {
    int socket = -1;  ///< -1 once it has ended
    std::thread thread;
  };

  Options options;
  mutable std::mutex mutex;  ///< of everything below but the threads
  std::condition_variable changed;
  supabase::World world;
  std::list<StorageFault> faults;
  std::multiset<std::string> held;
  std::size_t waiting = 0;
  std::vector<SeenRequest> seen;
  bool stopping = false;
  int listener = -1;
  std::uint16_t port = 0;
  std::size_t connections = 0;
  SSL_CTX* tls = nullptr;
  std::thread acceptor;
  std::list<Serving> serving;

  ~State() { SSL_CTX_free(tls); }
  void listen();
  void accept_all();
  void serve(Serving& own, int socket, std::size_t number);
  bool exchange(Connection& connection, Request request, std::size_t number);
  bool wait_while_held(std::unique_lock<std::mutex>& lock, const std::string& target);
  std::optional<StorageFault> fault_for(const Request& request);
  bool say(Connection& connection, const Request& request, const Answer& answer,
           const std::optional<StorageFault>& fault, std::size_t log_index);
};

void SupabaseServer::State::listen() {
  listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 128) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("the storage stand-in cannot listen");
  }
  port = ntohs(address.sin_port);
}

void SupabaseServer::State::accept_all() {
  for (;;) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    const std::scoped_lock lock(mutex);
    if (socket < 0 || stopping) {
      if (socket >= 0) ::close(socket);
      if (stopping) return;
      continue;
    }
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Serving& own = serving.emplace_back();
    own.socket = socket;
    own.thread = std::thread([this, &own, socket, number = ++connections] { serve(own, socket, number); });
  }
}

void SupabaseServer::State::serve(Serving& own, int socket, std::size_t number) {
  Connection connection(socket, tls);
  bool goes_on = connection.handshake();
  while (goes_on) {
    auto head = connection.read_head();
    if (auto* request = std::get_if<Request>(&head)) {
      goes_on = exchange(connection, std::move(*request), number);
    } else {
      if (auto* answer = std::get_if<Answer>(&head)) (void)connection.write(supabase::wire_text(*answer, "GET"));
      goes_on = false;
    }
  }
  const std::scoped_lock lock(mutex);
  own.socket = -1;
  ::shutdown(socket, SHUT_RDWR);
}

/// False when the server stops meanwhile.
bool SupabaseServer::State::wait_while_held(std::unique_lock<std::mutex>& lock, const std::string& target) {
  const auto is_held = [&] {
    return std::ranges::any_of(held, [&](const std::string& text) { return target.find(text) != std::string::npos; });
  };
  if (!is_held()) return !stopping;
  ++waiting;
  changed.wait(lock, [&] { return stopping || !is_held(); });
  --waiting;
  return !stopping;
}

std::optional<StorageFault> SupabaseServer::State::fault_for(const Request& request) {
  for (auto& fault : faults) {
    if (!fault.method.empty() && fault.method != request.method) continue;
    if (request.target.find(fault.target_has) == std::string::npos) continue;
    if (fault.skip > 0) {
      --fault.skip;
      continue;
    }
    if (fault.times == 0) continue;
    if (fault.times != std::numeric_limits<std::size_t>::max()) --fault.times;
    return fault;
  }
  return std::nullopt;
}

/// One request and its answer; false when the connection ends with it.
bool SupabaseServer::State::exchange(Connection& connection, Request request, std::size_t number) {
  std::unique_lock lock(mutex);
  SeenRequest entry;
  entry.method = request.method;
  entry.target = request.target;
  entry.headers = request.headers;
  entry.chunked = request.chunked;
  entry.body_bytes = request.content_length.value_or(0);
  entry.connection = number;
  const std::size_t index = seen.size();
  seen.push_back(std::move(entry));

  const auto fault = fault_for(request);
  if (!wait_while_held(lock, request.target)) return false;
  if (fault && fault->pause.count() > 0) changed.wait_for(lock, fault->pause, [this] { return stopping; });
  if (stopping || (fault && fault->close)) return false;

  const bool told = fault && fault->answer;
  std::optional<Answer> answer = told ? fault->answer : world.refuse(request);
  lock.unlock();
  // A refusal is said before the body is read, and the connection is kept: the body is read and thrown away.
  if (answer && !say(connection, request, *answer, fault, index)) return false;
  const bool whole = connection.read_body(request);
  if (answer) return whole && !answer->close;
  if (!whole) {
    const Answer bad = supabase::plain_error(400, "Bad Request", "Client Error");
    (void)say(connection, request, bad, std::nullopt, index);
    return false;
  }
  lock.lock();
  if (index < seen.size()) seen[index].body_bytes = request.body.size();
  answer = world.answer(request);
  lock.unlock();
  const auto* wish = supabase::find_header(request.headers, "connection");
  if (wish != nullptr && *wish == "close") answer->close = true;
  return say(connection, request, *answer, fault, index) && !answer->close;
}

bool SupabaseServer::State::say(Connection& connection, const Request& request, const Answer& answer,
                                const std::optional<StorageFault>& fault, std::size_t index) {
  {
    const std::scoped_lock lock(mutex);
    if (index < seen.size()) seen[index].status = answer.status;
  }
  std::string text = supabase::wire_text(answer, request.method);
  const bool cut = fault && fault->cut_after && *fault->cut_after < text.size();
  if (cut) text.resize(*fault->cut_after);
  return connection.write(text) && !cut;
}

SupabaseServer::SupabaseServer(Options options) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.options = std::move(options);
  s.world.secret = s.options.secret;
  s.world.base = s.options.base;
  if (!s.options.certificate_file.empty()) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets whose peer may be gone
    s.tls = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(s.tls, s.options.certificate_file.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(s.tls, s.options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      throw std::runtime_error("the storage stand-in cannot read its certificate");
    }
  }
  start();
}

SupabaseServer::~SupabaseServer() {
  stop();
}

void SupabaseServer::start() {
  if (state_->acceptor.joinable()) return;
  state_->stopping = false;
  state_->listen();
  state_->acceptor = std::thread([this] { state_->accept_all(); });
}

void SupabaseServer::stop() {
  State& s = *state_;
  if (!s.acceptor.joinable()) return;
  {
    const std::scoped_lock lock(s.mutex);
    s.stopping = true;
    ::shutdown(s.listener, SHUT_RDWR);
    for (const auto& one : s.serving) {
      if (one.socket >= 0) ::shutdown(one.socket, SHUT_RDWR);
    }
    s.changed.notify_all();
  }
  s.acceptor.join();
  for (auto& one : s.serving) one.thread.join();
  s.serving.clear();
  ::close(s.listener);
}

std::uint16_t SupabaseServer::port() const {
  return state_->port;
}
std::string SupabaseServer::origin() const {
  return fmt::format("{}://127.0.0.1:{}", state_->tls != nullptr ? "https" : "http", port());
}
std::string SupabaseServer::url() const {
  return "supabase+" + origin() + state_->options.base;
}
std::string SupabaseServer::token(std::string_view role,
                                  std::optional<std::chrono::system_clock::time_point> expires) const {
  const std::scoped_lock lock(state_->mutex);
  return supabase::token_for(role, state_->world.secret, expires);
}

void SupabaseServer::create_bucket(supabase::Bucket bucket) {
  const std::scoped_lock lock(state_->mutex);
  state_->world.buckets[bucket.name] = bucket;
}
void SupabaseServer::allow(supabase::Policy policy) {
  const std::scoped_lock lock(state_->mutex);
  state_->world.policies.push_back(std::move(policy));
}
void SupabaseServer::disallow_all() {
  const std::scoped_lock lock(state_->mutex);
  state_->world.policies.clear();
}
void SupabaseServer::know_gateway_key(const std::string& key, const std::string& role) {
  const std::scoped_lock lock(state_->mutex);
  state_->world.gateway_keys[key] = role;
}
void SupabaseServer::put(const std::string& bucket, const std::string& key, const std::string& bytes) {
  const std::scoped_lock lock(state_->mutex);
  supabase::Object& object = state_->world.objects[{bucket, key}];
  object.bytes = bytes;
  object.type = "text/markdown";
  if (object.id.empty()) object.id = "10000000-0000-4000-8000-000000000000";
}
std::optional<std::string> SupabaseServer::object(const std::string& bucket, const std::string& key) const {
  const std::scoped_lock lock(state_->mutex);
  const auto found = state_->world.objects.find({bucket, key});
  if (found == state_->world.objects.end()) return std::nullopt;
  return found->second.bytes;
}
std::optional<std::string> SupabaseServer::type(const std::string& bucket, const std::string& key) const {
  const std::scoped_lock lock(state_->mutex);
  const auto found = state_->world.objects.find({bucket, key});
  if (found == state_->world.objects.end()) return std::nullopt;
  return found->second.type;
}
std::vector<std::string> SupabaseServer::keys(const std::string& bucket) const {
  const std::scoped_lock lock(state_->mutex);
  std::vector<std::string> found;
  for (const auto& [place, object] : state_->world.objects) {
    if (place.first == bucket) found.push_back(place.second);
  }
  return found;
}
void SupabaseServer::lose_backing(const std::string& bucket, const std::string& key) {
  const std::scoped_lock lock(state_->mutex);
  state_->world.backing_gone.insert({bucket, key});
}
void SupabaseServer::change_secret(std::string secret) {
  const std::scoped_lock lock(state_->mutex);
  state_->world.secret = std::move(secret);
}

void SupabaseServer::add(StorageFault fault) {
  const std::scoped_lock lock(state_->mutex);
  state_->faults.push_back(std::move(fault));
}
void SupabaseServer::clear_faults() {
  const std::scoped_lock lock(state_->mutex);
  state_->faults.clear();
}
void SupabaseServer::hold(const std::string& target_has) {
  const std::scoped_lock lock(state_->mutex);
  state_->held.insert(target_has);
}
void SupabaseServer::release(const std::string& target_has) {
  const std::scoped_lock lock(state_->mutex);
  state_->held.erase(target_has);
  state_->changed.notify_all();
}
std::size_t SupabaseServer::waiting() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->waiting;
}

std::vector<SeenRequest> SupabaseServer::requests() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->seen;
}
void SupabaseServer::forget_requests() {
  const std::scoped_lock lock(state_->mutex);
  state_->seen.clear();
}

}  // namespace bundlesync::tests
