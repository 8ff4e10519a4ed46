#include "support/pgbouncer.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <fstream>
#include <iterator>
#include <signal.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace bundlesync::tests {
namespace fs = std::filesystem;

PgBouncer::PgBouncer(const PostgresServer& server, std::string_view pool_mode, const std::vector<std::string>& users)
    : port_(free_port()), owner_pid_(getpid()) {
  std::ofstream(dir_ / "users") << [&] {
    std::string lines;
    for (const auto& user : users) lines += fmt::format("\"{}\" \"\"\n", user);
    return lines;
  }();
  std::ofstream(dir_ / "ini") << fmt::format(
      "[databases]\n* = host=127.0.0.1 port={}\n"
      "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {}\nunix_socket_dir =\n"
      "auth_type = trust\nauth_file = {}\npool_mode = {}\nmax_client_conn = 200\ndefault_pool_size = 20\n"
      "ignore_startup_parameters = extra_float_digits,options\n",
      server.port(), port_, (dir_ / "users").string(), pool_mode);
  const fs::path packaged = "/usr/sbin/pgbouncer";  // not in an ordinary user's PATH
  pid_ = start_child({fs::exists(packaged) ? packaged.string() : "pgbouncer", dir_ / "ini"}, ServerUser::choose(),
                     dir_ / "log", SIGQUIT);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (PQping(url("postgres", users.front()).c_str()) != PQPING_OK) {
    const bool has_ended = wait_child(pid_, std::chrono::milliseconds(0)).has_value();
    if (!has_ended && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      continue;
    }
    std::ifstream log(dir_ / "log");
    throw std::runtime_error("PgBouncer does not answer: " + std::string(std::istreambuf_iterator<char>(log), {}));
  }
}

PgBouncer::~PgBouncer() {
  if (getpid() != owner_pid_ || pid_ < 0) return;
  kill(pid_, SIGQUIT);
  if (wait_child(pid_, std::chrono::seconds(5))) return;
  kill(pid_, SIGKILL);
  (void)wait_child(pid_, std::chrono::seconds(5));
}

std::string PgBouncer::url(std::string_view database, std::string_view user) const {
  return fmt::format("postgresql://{}@127.0.0.1:{}/{}", user, port_, database);
}

}  // namespace bundlesync::tests
