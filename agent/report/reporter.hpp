#pragma once

#include "base/error.hpp"
#include "plan/plan.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What operators see: the log, the metrics, the status document. The sync room tells it facts; it alone speaks.
namespace bundlesync::report {

/// The first line of a run.
struct Started {
  std::string version;
  std::string config;  ///< "sha256:…" of the settings, without secrets
  std::string target;
  std::string file_system;
  std::string mode;         ///< "auto", "listen", "poll", "off"
  std::string database;     ///< "host:port/name", empty with remote off
  std::string role;         ///< that the agent logs in as
  std::string storage;      ///< storage::Storage::describe()
  std::string key_role;     ///< of storage.key; empty where there is none
  std::string key_expires;  ///< RFC 3339; empty: never, or nobody can tell
  std::string templates;
  std::string confined;  ///< "no_core,seccomp,landlock": what was given up; "off"
  bool remote = false;
  bool target_shared = false;
};

/// A credential, as it is used from now on.
struct Credential {
  std::string kind;  ///< "storage"
  std::string role;
  std::optional<std::chrono::system_clock::time_point> expires;  ///< absent: never, or nobody can tell
};

/// One file that is now shown, for its [PROOF] line.
struct ProofFile {
  std::string kind;
  std::string role;
  std::string locale;
  std::string path;
  std::string sha256;
  std::uint64_t bytes = 0;
};

/// One template that is now shown.
struct ActivatedTemplate {
  std::string name;
  std::string from_version;  ///< empty: showed nothing
  std::string to_version;
  plan::Source source = plan::Source::cache;
  std::uint64_t generation = 0;
  std::optional<std::uint64_t> history;
  std::uint64_t downloaded_bytes = 0;
  std::vector<ProofFile> files;
};

/// Templates of one change that one rename has shown.
struct Activated {
  std::optional<std::uint64_t> change;
  std::uint64_t view = 0;
  std::vector<ActivatedTemplate> templates;
  std::optional<std::chrono::duration<double>> commit_to_visible;  ///< database clock to ours; absent where unknown
};

/// Where a template stands, for /status, `status`, `explain` and the gauges.
struct TemplateReport {
  std::string name;
  plan::State state = plan::State::absent;
  std::string shown_version;  ///< empty: nothing
  std::string shown_manifest;
  std::string source;
  std::string since;  ///< RFC 3339: activated at
  std::uint64_t generation = 0;
  std::string desired_version;
  std::uint64_t desired_generation = 0;
  std::uint64_t accepted_generation = 0;  ///< highest that was ever accepted; 0 where none was
  std::string reason;
  std::string detail;
  std::string next_try;     ///< RFC 3339, "when_the_row_changes" or empty
  std::string path;         ///< of the directory apps read
  bool prefetched = false;  ///< the previous default is on this disk
};

/// The validator was asked about a version.
struct Validated {
  std::string template_name;
  std::string version;
  std::string_view
      answer;        ///< accepted, vetoed, failed (asked again), accepted_unasked (it failed, and on_error says accept)
  std::string text;  ///< its own words, or why there are none
  std::chrono::duration<double> took{};
};

/// The webhook or the program was told what is shown, or that was given up.
struct Announced {
  std::string_view to;  ///< webhook, exec
  bool ok = false;
  unsigned attempts = 0;
  std::string text;  ///< why it was given up
};

/// A tree that was shown was hashed again in the background.
struct Scrubbed {
  std::string template_name;
  std::string version;
  std::string_view outcome;  ///< good, damaged, unreadable
  std::string text;          ///< what is wrong; empty where good
};

/// The whole state after a pass. Handed over every time; the reporter says what changed (one line a transition).
struct Settled {
  std::vector<TemplateReport> templates;
  std::uint64_t view = 0;
  std::string epoch;
  bool ready = false;
  std::vector<std::string> missing;                 ///< why not ready
  std::vector<std::string> problems;                ///< guards missing from the database, unreadable alternatives, …
  std::map<std::string, std::uint64_t> disk_bytes;  ///< by area: trees, cache
  std::uint64_t disk_budget_bytes = 0;
};

/// All calls come from the loop thread and return at once. Nothing here fails.
class Reporter {
 public:
  virtual ~Reporter() = default;

  virtual void started(const Started& started) = 0;  ///< "start …", and a WARN when remote is off
  virtual void shown_at_start(
      const Activated& shown) = 0;  ///< [PROOF] lines with source=cache bytes=0 (or local, filesystem)
  virtual void activated(const Activated& activated) = 0;  ///< "activate …" and [PROOF] lines
  /// refuse, hold, fallback, blocked … lines for what changed since the last call, and every gauge.
  virtual void settled(const Settled& settled) = 0;
  virtual void sync_failed(
      const Error& error) = 0;  ///< a pass could not do what it wanted (disk); one line a change of error
  virtual void fetch_ended(const std::string& template_name, const std::string& version, bool ok,
                           const std::string& reason, std::uint64_t bytes, std::chrono::duration<double> took) = 0;
  /// One request to storage was answered: "ok", an HTTP status, or the reason code of what went wrong.
  virtual void storage_answered(std::string_view code) { static_cast<void>(code); }
  virtual void connected(const std::string& host, const std::string& role, std::string_view mode) = 0;
  virtual void lost(std::string_view source, const Error& error,
                    std::chrono::duration<double> retry_in) = 0;  ///< once, not per retry
  virtual void found(std::string_view source, std::chrono::duration<double> away, unsigned attempts) = 0;
  virtual void mode_changed(std::string_view mode, std::string_view reason, std::string_view hint) = 0;
  virtual void listen_verified(bool verified) = 0;
  virtual void notified() = 0;
  virtual void contacted(std::string_view source) = 0;  ///< "database" or "storage" answered just now
  virtual void credential(const Credential& credential) { static_cast<void>(credential); }
  /// "storage_key" or "database_role" may do more than the agent needs, and why; an empty `why` takes it back.
  virtual void privileged(std::string_view what, const std::string& why) {
    static_cast<void>(what);
    static_cast<void>(why);
  }
  virtual void validated(const Validated& validated) { static_cast<void>(validated); }
  virtual void scrubbed(const Scrubbed& scrubbed) { static_cast<void>(scrubbed); }
  virtual void announced(const Announced& announced) { static_cast<void>(announced); }
  virtual void warning(const std::string& fact) = 0;   ///< said once a run for the same text
  virtual void standby(const Error& held) = 0;         ///< another agent holds the target: said once
  virtual void repaired(const std::string& fact) = 0;  ///< recovery found something and mended it
  virtual void stopping(std::string_view why) = 0;
  /// The status document when it says something new since the last call, for whoever keeps it on disk.
  virtual std::optional<std::string> unsaved_status() { return std::nullopt; }

  /// Liveness (directory.md): the loop ticked lately and every task exists.
  virtual void tick() = 0;
  virtual void task_running(std::string_view task, bool running) = 0;
};

}  // namespace bundlesync::report
