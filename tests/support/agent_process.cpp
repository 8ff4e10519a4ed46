#include "support/agent_process.hpp"

#include "support/child.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <csignal>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace bundlesync::tests {
namespace {

bool has_all(std::string_view message, const std::vector<std::string_view>& texts) {
  return std::ranges::all_of(texts, [&](auto text) { return message.find(text) != std::string_view::npos; });
}

Command command_of(const AgentLaunch& launch, int http_port) {
  Command command;
  command.words = launch.before;
  command.words.push_back(launch.program);
  command.words.emplace_back("agent");
  command.environment = launch.environment;
  command.environment["BUNDLESYNC_HTTP_LISTEN"] = fmt::format("127.0.0.1:{}", http_port);
  command.environment["BUNDLESYNC_LOG_FORMAT"] = "json";
  command.user = launch.user;
  command.umask = launch.umask;
  return command;
}

std::string ask(int connection, const std::string& request) {
  const auto* bytes = request.data();
  if (::send(connection, bytes, request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return "";
  std::string answer;
  std::array<char, 65536> piece{};
  for (;;) {
    const ssize_t count = ::recv(connection, piece.data(), piece.size(), 0);
    if (count <= 0) return answer;
    answer.append(piece.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

bool wait_until(Patience patience, const std::function<bool()>& question) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!question()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

HttpAnswer http_get(int port, std::string_view path) {
  const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{10, 0};  // of a machine that is busy with other tests
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string text;
  if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    text = ask(connection, fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path));
  }
  ::close(connection);
  HttpAnswer answer;
  const auto head = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.1 ") || head == std::string::npos) return answer;
  answer.status = std::atoi(text.c_str() + 9);
  answer.body = text.substr(head + 4);
  return answer;
}

AgentProcess::AgentProcess(AgentLaunch launch)
    : http_port_(free_port()), process_(std::make_unique<Process>(command_of(launch, http_port_))) {}

std::vector<std::string> AgentProcess::messages() const {
  std::vector<std::string> result;
  const std::string text = process_->err();
  std::size_t begin = 0;
  for (auto end = text.find('\n'); end != std::string::npos; begin = end + 1, end = text.find('\n', begin)) {
    boost::system::error_code bad;
    const auto line = boost::json::parse(std::string_view(text).substr(begin, end - begin), bad);
    const auto* object = bad ? nullptr : line.if_object();
    // Not a line of the log: a sanitizer's, or an error before there was a log.
    result.push_back(object ? text_of(*object, "message") : text.substr(begin, end - begin));
  }
  return result;
}

std::vector<std::string> AgentProcess::messages_with(const std::vector<std::string_view>& texts) const {
  std::vector<std::string> found = messages();
  std::erase_if(found, [&](const auto& message) { return !has_all(message, texts); });
  return found;
}

std::string AgentProcess::wait_for(const std::vector<std::string_view>& texts, Patience patience,
                                   std::size_t from) const {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const std::size_t printed = process_->err().size();
    const auto all = messages();
    for (std::size_t i = from; i < all.size(); ++i) {
      if (has_all(all[i], texts)) return all[i];
    }
    if (std::chrono::steady_clock::now() >= until) break;
    process_->wait_for_err(printed, until);
  }
  throw std::runtime_error(fmt::format("no line with '{}' within {} ms in:\n{}", texts.empty() ? "" : texts.back(),
                                       patience.count(), log()));
}

boost::json::object AgentProcess::status() const {
  const HttpAnswer answer = get("/status");
  if (answer.status != 200) return {};
  return boost::json::parse(answer.body).as_object();
}

boost::json::object AgentProcess::status_of(std::string_view template_name) const {
  const auto document = status();
  const auto* templates = document.if_contains("templates");
  if (!templates) return {};
  for (const auto& line : templates->as_array()) {
    if (text_of(line.as_object(), "template") == template_name) return line.as_object();
  }
  return {};
}

AgentProcess::Stopped AgentProcess::stop() {
  const auto begun = std::chrono::steady_clock::now();
  process_->signal(SIGTERM);
  const auto code = process_->wait(std::chrono::seconds(10));
  if (!code) throw std::runtime_error("the agent does not end:\n" + log());
  return Stopped{*code, std::chrono::steady_clock::now() - begun};
}

void AgentProcess::kill() {
  process_->signal(SIGKILL);
  process_->wait(std::chrono::seconds(10));
}

void AgentProcess::freeze() const {
  process_->signal(SIGSTOP);
}

void AgentProcess::thaw() const {
  process_->signal(SIGCONT);
}

std::string text_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string(*text) : "";
}

}  // namespace bundlesync::tests
