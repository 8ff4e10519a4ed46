#include "report/log_reporter.hpp"

#include "base/time.hpp"
#include "report/line.hpp"
#include "report/transitions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/logger.h>

#include <algorithm>
#include <vector>

namespace bundlesync::report {
namespace {

void say(const Voice& voice, spdlog::level::level_enum level, const std::string& text) {
  const std::string line = text + voice.suffix;
  voice.log->log(level, std::string_view(line));
  if (voice.events == nullptr) return;
  const Severity severity = level == spdlog::level::err    ? Severity::error
                            : level == spdlog::level::info ? Severity::info
                                                           : Severity::warn;
  voice.events->add(severity, line);
}

/// Proof is for the log alone: a hundred files are no hundred events.
void prove(const Voice& voice, const Line& line) {
  voice.log->log(spdlog::level::info, std::string_view(line.text() + voice.suffix));
}

void say(const Voice& voice, spdlog::level::level_enum level, const Line& line) {
  say(voice, level, line.text());
}

/// "a" when all are "a", else "a,b,a" in the order of the templates.
std::string one_or_all(std::vector<std::string> values) {
  if (std::ranges::adjacent_find(values, std::ranges::not_equal_to()) == values.end()) values.resize(1);
  return fmt::format("{}", fmt::join(values, ","));
}

Line activate_line(const Activated& activated) {
  Line line("activate");
  line.add("change", activated.change ? std::to_string(*activated.change) : "").add("view", activated.view);
  std::vector<std::string> generations;
  std::vector<std::string> sources;
  std::vector<std::string> histories;
  const std::size_t named = std::min(activated.templates.size(), activate_moves_max);
  for (std::size_t i = 0; i < named; ++i) {
    const ActivatedTemplate& entry = activated.templates[i];
    line.add(entry.name, quoted(entry.from_version) + "→" + quoted(entry.to_version));
    generations.push_back(std::to_string(entry.generation));
    sources.emplace_back(plan::to_string(entry.source));
    histories.push_back(entry.history ? std::to_string(*entry.history) : "-");
  }
  if (named < activated.templates.size()) line.add("more", activated.templates.size() - named);
  if (named == 0) return line;
  line.add("generation", fmt::format("{}", fmt::join(generations, ","))).add("source", one_or_all(std::move(sources)));
  if (activated.commit_to_visible) {
    line.add("commit_to_visible", *activated.commit_to_visible);
  } else {
    line.add("commit_to_visible", "");
  }
  return line.add("history", one_or_all(std::move(histories)));
}

/// What showing it took: nothing when everything was on this disk already.
enum class Moment { start, activation };

void say_proof(const Voice& voice, const ActivatedTemplate& shown, Moment moment) {
  const bool downloaded_before = moment == Moment::start && shown.source == plan::Source::remote;
  const plan::Source source = downloaded_before ? plan::Source::cache : shown.source;
  const bool nothing_moved = moment == Moment::start || source == plan::Source::cache;
  const auto begin = [&] {
    Line line("[PROOF]");
    line.add("source", plan::to_string(source)).add("template", shown.name).add("version", shown.to_version);
    return line;
  };
  if (shown.files.size() > proof_lines_max) {
    std::uint64_t bytes = 0;
    for (const auto& file : shown.files) bytes += file.bytes;
    prove(voice, begin().add("files", shown.files.size()).add("bytes", nothing_moved ? std::uint64_t{0} : bytes));
    return;
  }
  for (const auto& file : shown.files) {
    Line line = begin();
    line.add(file.role.empty() ? "kind" : "role", file.role.empty() ? file.kind : file.role).add("locale", file.locale);
    line.add("sha256", file.sha256).add("bytes", nothing_moved ? std::uint64_t{0} : file.bytes).add("path", file.path);
    prove(voice, line);
  }
}

}  // namespace

std::string expiry_text(const Credential& credential) {
  return credential.expires ? format_time(*credential.expires) : "";
}

LogReporter::LogReporter(std::shared_ptr<spdlog::logger> log, Events* events, std::string target)
    : voice_{std::move(log), target.empty() ? std::string() : " target=" + quoted(target), events},
      is_of_one_target_(!target.empty()) {}
LogReporter::~LogReporter() = default;

void LogReporter::started(const Started& started) {
  Line line("start");
  line.add("version", started.version).add("config", started.config);
  line.add(is_of_one_target_ ? "path" : "target", started.target);
  line.add("fs", started.file_system).add("mode", started.mode).add("db", started.database).add("role", started.role);
  line.add("storage", started.storage).add("key_role", started.key_role).add("key_expires", started.key_expires);
  line.add("templates", started.templates);
  if (!started.confined.empty()) line.add("confined", started.confined);
  say(voice_, spdlog::level::info, line);
  if (!is_of_one_target_) begins(started);
  if (!started.target_shared) return;
  Line shared("target_shared");
  shared.add(is_of_one_target_ ? "path" : "target", started.target)
      .prose("fact", "others may write to the target's root");
  shared.prose("hint", "set target.strict to refuse such a target");
  say(voice_, spdlog::level::warn, shared);
}

void LogReporter::begins(const Started& started) {
  mode_ = started.mode;
  key_role_ = started.key_role;
  key_expires_ = started.key_expires;
  if (started.remote) return;
  Line off("remote_off");
  off.prose("fact", "remote is off: Postgres and Storage are never contacted, only local and fallback files are shown");
  off.prose("hint", "set FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE=true, or remote: true");
  say(voice_, spdlog::level::warn, off);
}

void LogReporter::shown_at_start(const Activated& shown) {
  for (const auto& entry : shown.templates) say_proof(voice_, entry, Moment::start);
}

void LogReporter::activated(const Activated& activated) {
  say(voice_, spdlog::level::info, activate_line(activated));
  for (const auto& entry : activated.templates) say_proof(voice_, entry, Moment::activation);
}

void LogReporter::settled(const Settled& settled) {
  Settled now = settled;
  now.ready = now.ready || settled_.ready;  // once ready it stays ready (health.hpp)
  for (const auto& line : transitions(settled_, now)) {
    const bool warns = line.level == LogLine::Level::warn;
    say(voice_, warns ? spdlog::level::warn : spdlog::level::info, line.text);
  }
  settled_ = std::move(now);
  if (!failed_now_ && !failure_.empty()) {
    say(voice_, spdlog::level::info, Line("sync_works"));
    failure_.clear();
  }
  failed_now_ = false;
}

void LogReporter::sync_failed(const Error& error) {
  failed_now_ = true;
  std::string text = error.line();
  if (text == failure_) return;
  say(voice_, spdlog::level::err, Line("sync_failed").prose("error", text));
  failure_ = std::move(text);
}

void LogReporter::fetch_ended(const std::string& template_name, const std::string& version, bool ok, const std::string&,
                              std::uint64_t bytes, std::chrono::duration<double> took) {
  if (!ok) return;  // refuse and retrying lines tell of it, once
  Line line("fetched");
  line.add("template", template_name).add("version", version).add("bytes", bytes).add("took", took);
  say(voice_, spdlog::level::info, line);
}

void LogReporter::validated(const Validated& validated) {
  Line line("validate");
  line.add("template", validated.template_name).add("version", validated.version).add("answer", validated.answer);
  line.add("took", validated.took).prose("said", validated.text);
  say(voice_, validated.answer == "accepted" ? spdlog::level::info : spdlog::level::warn, line);
}

/// Only what is wrong: a good tree is hashed again and again.
void LogReporter::scrubbed(const Scrubbed& scrubbed) {
  if (scrubbed.outcome == "good") return;
  Line line(scrubbed.outcome == "damaged" ? "quarantine" : "scrub_failed");
  line.add("template", scrubbed.template_name).add("version", scrubbed.version).prose("fact", scrubbed.text);
  say(voice_, spdlog::level::warn, line);
}

/// Only what was given up: what is shown has its own line.
void LogReporter::announced(const Announced& announced) {
  if (announced.ok) return;
  Line line("announce");
  line.add("to", announced.to).add("outcome", "failed").add("attempts", std::to_string(announced.attempts));
  say(voice_, spdlog::level::warn, line.prose("error", announced.text));
}

void LogReporter::connected(const std::string& host, const std::string& role, std::string_view mode) {
  Line line("connect");
  line.add("source", "database").add("host", host).add("role", role).add("mode", mode);
  say(voice_, spdlog::level::info, line);
}

void LogReporter::lost(std::string_view source, const Error& error, std::chrono::duration<double> retry_in) {
  if (!lost_.emplace(source).second) return;
  Line line("lost");
  line.add("source", source).prose("error", error.line()).add("retry_in", retry_in);
  say(voice_, spdlog::level::warn, line);
}

void LogReporter::found(std::string_view source, std::chrono::duration<double> away, unsigned attempts) {
  const auto lost = lost_.find(source);
  if (lost == lost_.end()) return;
  lost_.erase(lost);
  Line line("found");
  line.add("source", source).add("away", away).add("attempts", attempts);
  say(voice_, spdlog::level::info, line);
}

void LogReporter::mode_changed(std::string_view mode, std::string_view reason, std::string_view hint) {
  if (mode == mode_) return;
  mode_ = mode;
  Line line("mode");
  line.add("mode", mode).add("reason", reason);
  if (!hint.empty()) line.prose("hint", hint);
  say(voice_, hint.empty() ? spdlog::level::info : spdlog::level::warn, line);
}

void LogReporter::listen_verified(bool verified) {
  if (verified == listen_was_verified_) return;
  listen_was_verified_ = verified;
  Line line("listen");
  line.add("verified", verified ? "yes" : "no");
  say(voice_, verified ? spdlog::level::info : spdlog::level::warn, line);
}

void LogReporter::credential(const Credential& credential) {
  const std::string expires = expiry_text(credential);
  if (credential.role == key_role_ && expires == key_expires_) return;
  key_role_ = credential.role;
  key_expires_ = expires;
  Line line("credential");
  line.add("kind", credential.kind).add("key_role", key_role_).add("key_expires", key_expires_);
  say(voice_, spdlog::level::info, line);
}

void LogReporter::privileged(std::string_view what, const std::string& why) {
  std::string& said = privileged_[std::string(what)];
  if (said == why) return;
  said = why;
  Line line("privileged");
  line.add("what", what);
  if (why.empty()) {
    say(voice_, spdlog::level::info, line.add("is", "no longer"));
    return;
  }
  line.prose("fact", why).prose("hint", "the agent only reads: give it a credential of its own");
  say(voice_, spdlog::level::warn, line);
}

void LogReporter::warning(const std::string& fact) {
  if (warned_.size() >= warnings_kept_max) warned_.clear();  // said twice is better than memory without a bound
  if (warned_.insert(fact).second) say(voice_, spdlog::level::warn, Line("warning").prose("fact", fact));
}

void LogReporter::standby(const Error& held) {
  if (std::exchange(standby_said_, true)) return;
  say(voice_, spdlog::level::warn, Line("standby").prose("fact", held.line()));
}

void LogReporter::repaired(const std::string& fact) {
  say(voice_, spdlog::level::warn, Line("repaired").prose("fact", fact));
}

void LogReporter::stopping(std::string_view why) {
  say(voice_, spdlog::level::info, Line("stop").add("why", why));
}

}  // namespace bundlesync::report
