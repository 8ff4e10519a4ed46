#pragma once

#include "async/clock.hpp"
#include "async/pool.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "catalog/feed.hpp"
#include "catalog/postgres/connection.hpp"
#include "catalog/postgres/conninfo.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bundlesync::catalog::postgres {

struct FeedOptions {
  async::Duration resolve_limit = std::chrono::seconds(5);    ///< for all host names together
  async::Duration connect_limit = std::chrono::seconds(5);    ///< for each address
  async::Duration heartbeat_limit = std::chrono::seconds(5);  ///< also of LISTEN
  async::Duration ask_limit = std::chrono::seconds(15);
  async::Duration probe_limit = std::chrono::seconds(2);  ///< from the canary's NOTIFY to its arrival
  std::size_t document_bytes_max = std::size_t{8} << 20;  ///< a larger one counts as document_invalid
  std::size_t answer_bytes_max = std::size_t{128} << 20;
};

/// The feed over one libpq session that listens, asks, and is asked for its life between.
class PostgresFeed final : public Feed {
 public:
  /// `url` is called at every connect(), so that a password that changed in its file is used; `ca` is the setting
  /// database.ca. The pool resolves host names and decodes answers.
  PostgresFeed(asio::any_io_executor executor, async::Clock& clock, async::Pool& pool,
               std::function<Result<Secret>()> url, std::string ca, FeedOptions options = {});

  Task<Result<SessionInfo>> connect() override;
  Task<Result<void>> listen() override;
  Task<Result<plan::Answer>> ask(Question question) override;
  Task<Result<Waited>> wait(async::Steady deadline) override;
  Task<Result<void>> heartbeat() override;
  Task<Result<bool>> probe() override;
  void close() override;

 private:
  Task<Result<std::vector<Host>>> find_addresses();
  Task<Result<void>> connect_to_first(std::vector<Host> hosts);
  Task<std::string> find_privilege();
  Task<Result<bool>> send_canary(std::string channel);
  SessionInfo session_info() const;

  asio::any_io_executor executor_;
  async::Clock& clock_;
  async::Pool& pool_;
  std::function<Result<Secret>()> url_;
  std::string ca_;
  FeedOptions options_;
  Random random_;
  Connection connection_;
  Conninfo conninfo_;
  Host host_;                  ///< where the session is
  std::weak_ptr<int> lookup_;  ///< alive while the resolver works for us, abandoned or not
};

}  // namespace bundlesync::catalog::postgres
