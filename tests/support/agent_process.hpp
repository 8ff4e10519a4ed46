#pragma once

#include "support/process.hpp"

#include <boost/json.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::tests {

using Patience = std::chrono::milliseconds;

/// True as soon as the question is; false when it was not in time. Asks every few milliseconds.
bool wait_until(Patience patience, const std::function<bool()>& question);

/// How to start an agent; `environment` is all it sees, but for what AgentProcess adds.
struct AgentLaunch {
  std::string program;
  Environment environment;
  std::vector<std::string> before;  ///< words before the program: a tracer
  std::optional<uid_t> user;
  std::optional<mode_t> umask;
};

struct HttpAnswer {
  int status = 0;  ///< 0: nobody answered
  std::string body;
};

/// What follows the HTTP/1.1 200 of http://127.0.0.1:port/path, within two seconds.
HttpAnswer http_get(int port, std::string_view path);

/// `bundlesync agent`, following. It listens for health on a free port of its own.
class AgentProcess {
 public:
  explicit AgentProcess(AgentLaunch launch);

  pid_t pid() const { return process_->pid(); }
  int http_port() const { return http_port_; }
  bool running() { return !process_->wait(Patience(0)); }

  /// The messages of its log so far, each as the agent wrote it, without time and level.
  std::vector<std::string> messages() const;
  /// Messages that contain all of these texts.
  std::vector<std::string> messages_with(const std::vector<std::string_view>& texts) const;
  /// The first message, from number `from` on, that contains all of these texts. Throws std::runtime_error with the
  /// whole log when there is none in time.
  std::string wait_for(const std::vector<std::string_view>& texts, Patience patience = std::chrono::seconds(10),
                       std::size_t from = 0) const;
  /// Everything on its stderr, for failures.
  std::string log() const { return process_->err(); }

  HttpAnswer get(std::string_view path) const { return http_get(http_port_, path); }
  /// /status; an empty object when nobody answers.
  boost::json::object status() const;
  /// Its line on one template; an empty object when there is none.
  boost::json::object status_of(std::string_view template_name) const;

  /// SIGTERM. Its exit code, or minus the signal, and how long it took. Throws after ten seconds.
  struct Stopped {
    int code;
    std::chrono::duration<double> took;
  };
  Stopped stop();
  void kill();  ///< SIGKILL, and gone when this returns
  void freeze() const;
  void thaw() const;

 private:
  int http_port_;
  std::unique_ptr<Process> process_;
};

/// A member that is a text, else "": null counts as "".
std::string text_of(const boost::json::object& object, std::string_view key);

}  // namespace bundlesync::tests
