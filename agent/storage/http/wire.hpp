#pragma once

#include "async/clock.hpp"
#include "async/task.hpp"
#include "base/error.hpp"
#include "storage/http/client.hpp"
#include "storage/http/lookup.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <string_view>

namespace bundlesync::storage::http {

/// How a read or write ended.
struct Io {
  enum class End {
    none,     ///< it moved bytes
    closed,   ///< the peer said that nothing more comes
    late,     ///< the deadline passed
    cut_off,  ///< over TLS: the connection ended, and the peer had not said so
    broken,   ///< anything else: `cause`
  };
  Io() = default;
  explicit Io(std::size_t moved) : bytes(moved) {}
  explicit Io(End how, boost::system::error_code why = {}) : end(how), cause(why) {}
  std::size_t bytes = 0;
  End end = End::none;
  boost::system::error_code cause;
};

/// One connection, plain or TLS. One call at a time. Cancelling a call throws operation_aborted; then, as after any
/// end but none, the wire is only to be destroyed. Destroying closes it at once: the peer's farewell is not waited for.
class Wire {
 public:
  explicit Wire(asio::any_io_executor executor);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// TCP, to the first of `endpoints` that takes it, then TLS. Errors: connect_failed, connect_timeout, tls_…,
  /// connection_reset. `limit` says how long `until` was, for the text.
  Task<Result<void>> open(const Origin& origin, const Endpoints& endpoints, const Options& options, async::Steady until,
                          std::chrono::milliseconds limit);

  /// At most `size` bytes, at least one.
  Task<Io> read_some(char* data, std::size_t size, async::Steady until);
  /// A part of `bytes`, at least one of them; at most 16 KiB at a time.
  Task<Io> write_some(std::string_view bytes, async::Steady until);

  /// True when nothing has come that was not read, an end of the connection included.
  bool is_quiet() const;

 private:
  Task<Result<void>> connect(const Origin& origin, const Endpoints& endpoints, const Options& options,
                             async::Steady until, std::chrono::milliseconds limit);
  Task<Result<void>> shake_hands(const Origin& origin, const Options& options, async::Steady until,
                                 std::chrono::milliseconds limit);
  Task<Io> read_encrypted(async::Steady until);
  Task<Io> flush(async::Steady until);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bundlesync::storage::http
