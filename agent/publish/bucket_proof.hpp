#pragma once

#include "async/task.hpp"
#include "publish/bucket_findings.hpp"
#include "storage/storage.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::publish {

/// How the key of every probe begins; no template's name does.
inline constexpr std::string_view probe_prefix = "_bundlesync_probe";

/// One place, seen with several credentials. All outlive the proof.
struct ProofStorages {
  ProofStorages(storage::Storage& publisher_, storage::Storage* agent_, storage::Storage* stranger_)
      : publisher(publisher_), agent(agent_), stranger(stranger_) {}
  storage::Storage& publisher;
  storage::Storage* agent;     ///< null: nothing is proven of it
  storage::Storage* stranger;  ///< with a key that must not be taken; null where there are no keys
};

struct ProofNames {
  std::string nonce;         ///< of this proof alone: several may run side by side
  std::string publisher_as;  ///< "as role service_role, …", "as this user"
  std::string agent_as;
  std::string no_agent;  ///< why nothing is proven of the agent
};

/// Tries it: a write as the publisher, a read as the agent, a write as the agent and a read with a wrong key, which
/// both must be refused; then removes what it wrote. What fails is a finding, never an error. Repeatable. A proof that
/// is cancelled may leave its probe behind.
Task<Result<std::vector<Finding>>> prove(ProofStorages storages, ProofNames names);

}  // namespace bundlesync::publish
