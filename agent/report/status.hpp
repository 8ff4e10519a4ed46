#pragma once

#include "base/error.hpp"
#include "report/ages.hpp"
#include "report/reporter.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The status document: what /status serves, what lies in the target's state for `bundlesync status`, and what that
/// prints with --json. One text for all three.
namespace bundlesync::report {

inline constexpr std::uint64_t status_schema_version = 1;

struct SourceStatus {
  std::string name;          ///< "database", "storage"
  bool reachable = false;    ///< it answered, and nothing failed since
  std::string last_contact;  ///< RFC 3339; empty: never in the life of this agent
  std::string error;         ///< why it is away; empty while it is not
  bool operator==(const SourceStatus&) const = default;
};

struct TemplateLine {
  std::string name;
  std::string state;  ///< plan::State in words
  std::string version;
  std::string manifest_sha256;
  std::string source;
  std::string since;
  std::uint64_t generation = 0;
  std::string desired_version;
  std::uint64_t desired_generation = 0;
  std::string out_of_date_since;  ///< RFC 3339; empty while it shows what the catalog names
  std::string reason;
  std::string detail;
  std::string next_try;
  std::string path;
  bool prefetched = false;
  bool operator==(const TemplateLine&) const = default;
};

struct Status {
  std::string agent_version;
  std::string config;
  std::string started_at;  ///< RFC 3339
  std::string written_at;  ///< RFC 3339: everything else is as of then
  std::string standby;     ///< who holds the target; empty when this agent does
  std::string target;
  bool remote = false;
  std::string mode;
  bool listen_verified = false;
  std::string host;
  std::string role;
  std::string key_role;                 ///< of storage.key
  std::string key_expires;              ///< RFC 3339, or empty: never, or nobody can tell
  std::vector<std::string> privileged;  ///< credentials that may do more than the agent needs
  bool ready = false;
  std::vector<std::string> missing;
  std::uint64_t view = 0;
  std::string epoch;
  std::vector<SourceStatus> sources;
  std::string last_error;
  std::string last_error_at;
  std::vector<std::string> problems;
  std::map<std::string, std::uint64_t> disk_bytes;
  std::uint64_t disk_budget_bytes = 0;
  std::vector<TemplateLine> templates;
  bool operator==(const Status&) const = default;
};

/// Indented, with a final newline; empty texts that stand for "none" are null.
std::string status_to_json(const Status& status);
/// Errors: refused, with the reasons of json_read.hpp, or schema_unknown for a document of another schema_version.
Result<Status> status_from_json(std::string_view text);

/// Keeps the status of a running agent. Loop thread only.
class StatusBoard {
 public:
  StatusBoard(async::Clock& clock, const Ages& ages);

  void started(const Started& started);
  void settled(const Settled& settled);
  void failed(const Error& error);
  void connected(const std::string& host, const std::string& role);
  void lost(std::string_view source, const Error& error);
  void contacted(std::string_view source);
  void mode(std::string_view mode) { status_.mode = mode; }
  void listen_verified(bool verified) { status_.listen_verified = verified; }
  void credential(const Credential& credential);
  /// True when that is news.
  bool privileged(std::string_view what, bool is);
  void standby(const Error& held) { status_.standby = held.fact(); }

  /// As of now.
  Status snapshot() const;

 private:
  std::string ago(std::chrono::duration<double> age) const;

  async::Clock& clock_;
  const Ages& ages_;
  Status status_;
  std::map<std::string, std::string, std::less<>> away_;  ///< source to error
};

}  // namespace bundlesync::report
