#pragma once

#include "support/supabase/world.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::tests {

/// What goes wrong with a request that matches.
struct StorageFault {
  std::string method = {};                                      ///< empty: any
  std::string target_has = {};                                  ///< empty: any
  std::size_t skip = 0;                                         ///< so many that match are left alone first
  std::size_t times = std::numeric_limits<std::size_t>::max();  ///< and so many have it
  std::optional<supabase::Answer> answer = {};                  ///< said in place of the server's own
  std::chrono::milliseconds pause{0};                           ///< before the answer
  bool close = false;                                           ///< without any answer
  std::optional<std::size_t> cut_after = {};                    ///< so many bytes of the answer, then closed
};

/// A request as the server saw it.
struct SeenRequest {
  std::string method;
  std::string target;
  supabase::Headers headers;
  std::size_t body_bytes = 0;
  bool chunked = false;
  int status = 0;  ///< 0: no answer was given
  std::size_t connection = 0;
};

/// A stand-in for Supabase Storage on a free port of 127.0.0.1, in this process: routes, roles, policies, error bodies
/// and oddities as the real server's were observed, and nothing more (an unknown route is 404). That a client works
/// with it proves nothing about the real one.
class SupabaseServer {
 public:
  struct Options {
    std::string secret = "super-secret-jwt-token-with-at-least-32-characters";
    std::string base = "/storage/v1";
    std::string certificate_file = {};  ///< PEM chain and key: then it speaks TLS, and only TLS
    std::string key_file = {};
  };
  SupabaseServer() : SupabaseServer(Options()) {}
  explicit SupabaseServer(Options options);
  ~SupabaseServer();
  SupabaseServer(const SupabaseServer&) = delete;
  SupabaseServer& operator=(const SupabaseServer&) = delete;

  std::uint16_t port() const;
  std::string origin() const;  ///< "http://127.0.0.1:port"
  std::string url() const;     ///< as the setting storage.url takes it
  std::string token(std::string_view role,
                    std::optional<std::chrono::system_clock::time_point> expires = std::nullopt) const;

  void create_bucket(supabase::Bucket bucket);
  void allow(supabase::Policy policy);
  void disallow_all();
  /// With a gateway in front: this sb_ key stands for a role.
  void know_gateway_key(const std::string& key, const std::string& role);
  void put(const std::string& bucket, const std::string& key, const std::string& bytes);
  std::optional<std::string> object(const std::string& bucket, const std::string& key) const;
  std::optional<std::string> type(const std::string& bucket, const std::string& key) const;
  std::vector<std::string> keys(const std::string& bucket) const;
  void lose_backing(const std::string& bucket, const std::string& key);
  /// From now on the server's secret is another: every token of before is void.
  void change_secret(std::string secret);

  void add(StorageFault fault);
  void clear_faults();
  /// Requests whose target holds this text wait for release().
  void hold(const std::string& target_has);
  void release(const std::string& target_has);
  std::size_t waiting() const;  ///< requests that are held right now

  /// The port is closed and every connection with it, until start().
  void stop();
  void start();

  std::vector<SeenRequest> requests() const;
  void forget_requests();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bundlesync::tests
