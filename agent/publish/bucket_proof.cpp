#include "publish/bucket_proof.hpp"

#include "storage/sinks.hpp"

#include <fmt/format.h>

#include <utility>

namespace bundlesync::publish {
namespace {

constexpr std::uint64_t probe_bytes_max = 4096;

std::string hints_of(const Error& error) {
  std::string text;
  for (const auto& hint : error.hints()) text += (text.empty() ? "" : "; ") + hint;
  return text;
}

/// What came of something that should have worked.
Finding not_done(std::string what, const std::string& tried, const Error& error) {
  const bool denied = error.kind() == ErrorKind::unauthorised;
  return {denied ? Standing::denied : Standing::failed, std::move(what), fmt::format("{}: {}", tried, error.fact()),
          hints_of(error)};
}

/// What should have been refused ended in another way: whatever that means, it is no proof.
Finding not_refused(std::string what, const std::string& tried, const Error& error) {
  return {Standing::failed, std::move(what), fmt::format("{} was not refused, it failed: {}", tried, error.fact()),
          hints_of(error)};
}

class Proof {
 public:
  Proof(ProofStorages storages, ProofNames names)
      : storages_(storages),
        names_(std::move(names)),
        key_(fmt::format("{}-{}", probe_prefix, names_.nonce)),
        forbidden_key_(fmt::format("{}-{}-forbidden", probe_prefix, names_.nonce)),
        bytes_(fmt::format("a probe of bundlesync bucket, {}: it may be removed\n", names_.nonce)) {}

  Task<std::vector<Finding>> run() {
    const bool written = co_await write_as_publisher();
    if (written) {
      co_await read_as_agent();
      co_await write_as_agent();
      co_await read_as_stranger();
    }
    if (may_be_there_) co_await remove(key_);
    if (forbidden_may_be_there_) co_await remove(forbidden_key_);
    if (written && !left_) findings_.emplace_back(Standing::ok, "probe_removed", "the probe was removed");
    co_return std::move(findings_);
  }

 private:
  Task<bool> write_as_publisher() {
    const std::string tried = fmt::format("a write and a read {}", names_.publisher_as);
    auto done = co_await storages_.publisher.upload(key_, bytes_, "text/plain");
    // After a write without an answer, too: it may have been done.
    may_be_there_ = done || done.error().kind() != ErrorKind::unauthorised;
    if (!done) {
      findings_.push_back(not_done("publisher_write", tried, done.error()));
      co_return false;
    }
    storage::StringSink sink;
    auto read = co_await storages_.publisher.download(key_, probe_bytes_max, sink);
    if (!read) {
      findings_.push_back(not_done("publisher_write", tried, read.error()));
    } else if (sink.bytes() != bytes_) {
      findings_.emplace_back(Standing::failed, "publisher_write", tried + ": other bytes came back than were written");
    } else {
      findings_.emplace_back(Standing::ok, "publisher_write", tried);
    }
    co_return true;
  }

  Task<> read_as_agent() {
    if (storages_.agent == nullptr) {
      findings_.emplace_back(Standing::not_proven, "agent_read",
                             "a read and a write as the agent were left out: " + names_.no_agent);
      co_return;
    }
    const std::string tried = fmt::format("a read as the agent, {}", names_.agent_as);
    storage::StringSink sink;
    auto read = co_await storages_.agent->download(key_, probe_bytes_max, sink);
    agent_key_taken_ = read || read.error().reason() == "object_missing";
    if (!read && agent_key_taken_) {
      findings_.emplace_back(Standing::failed, "agent_read", tried + ": it does not see what was written",
                             "let this role select: bundlesync bucket setup makes the policy");
    } else if (!read) {
      findings_.push_back(not_done("agent_read", tried, read.error()));
    } else if (sink.bytes() != bytes_) {
      findings_.emplace_back(Standing::failed, "agent_read", tried + ": other bytes came than were written");
    } else {
      findings_.emplace_back(Standing::ok, "agent_read", tried);
    }
  }

  Task<> write_as_agent() {
    if (storages_.agent == nullptr) co_return;
    const std::string tried = "a write as the agent";
    auto done = co_await storages_.agent->upload(forbidden_key_, bytes_, "text/plain");
    forbidden_may_be_there_ = done || done.error().kind() != ErrorKind::unauthorised;
    if (done) {
      findings_.emplace_back(Standing::failed, "agent_write_refused", tried + " was not refused: it may publish",
                             "give the agent a key of a role that only reads");
    } else if (done.error().kind() != ErrorKind::unauthorised) {
      findings_.push_back(not_refused("agent_write_refused", tried, done.error()));
    } else if (!agent_key_taken_) {
      findings_.emplace_back(Standing::not_proven, "agent_write_refused",
                             tried + " was refused as its read was: of its role nothing is known");
    } else {
      findings_.emplace_back(Standing::ok, "agent_write_refused", tried + " was refused");
    }
  }

  Task<> read_as_stranger() {
    if (storages_.stranger == nullptr) co_return;
    storage::StringSink sink;
    auto read = co_await storages_.stranger->download(key_, probe_bytes_max, sink);
    if (read) {
      findings_.emplace_back(Standing::failed, "wrong_key_refused", "a read with a wrong key was not refused",
                             "is the bucket private, and is storage.url the project's own address?");
    } else if (read.error().kind() == ErrorKind::unauthorised) {
      findings_.emplace_back(Standing::ok, "wrong_key_refused", "a read with a wrong key was refused");
    } else {
      findings_.push_back(not_refused("wrong_key_refused", "a read with a wrong key", read.error()));
    }
  }

  Task<> remove(std::string key) {
    auto done = co_await storages_.publisher.remove(key);
    if (done) co_return;
    left_ = true;
    findings_.push_back(not_done("probe_removed", fmt::format("the probe {} was left", key), done.error()));
  }

  ProofStorages storages_;
  ProofNames names_;
  std::string key_;
  std::string forbidden_key_;
  std::string bytes_;
  bool may_be_there_ = false;
  bool forbidden_may_be_there_ = false;
  bool agent_key_taken_ = false;
  bool left_ = false;
  std::vector<Finding> findings_;
};

}  // namespace

Task<Result<std::vector<Finding>>> prove(ProofStorages storages, ProofNames names) {
  Proof proof(storages, std::move(names));
  auto findings = co_await proof.run();
  co_return Result<std::vector<Finding>>(std::move(findings));
}

}  // namespace bundlesync::publish
