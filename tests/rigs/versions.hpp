#pragma once

#include "support/postgres_server.hpp"
#include "support/process.hpp"
#include "support/reader.hpp"
#include "support/store.hpp"
#include "support/temp_dir.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace bundlesync::rigs {

/// On a file system in memory where there is one: a rig that is not about durability needs no disk to wait for.
std::filesystem::path quick_directory();
/// A copy with everything that cp -a keeps, in place of what is there.
void copy_tree(const std::filesystem::path& from, const std::filesystem::path& to);
/// Unfinished trees below a target.
std::size_t stages_below(const std::filesystem::path& target);

/// A catalog and a store with versions of the template `alpha`, and moments of that catalog: copies that many agents
/// can follow, each with a target of its own.
class Versions {
 public:
  explicit Versions(int files_in_bundle);

  /// Publishes a version, tells the oracle, and makes it the default.
  void publish(const std::string& version);
  void move(const std::string& version);
  /// The catalog as it is now, for ever.
  std::string moment();

  /// `bundlesync agent --once --strict` on a target that follows a moment; `more` goes over its environment.
  tests::Command once(const std::filesystem::path& target, const std::string& moment,
                      const tests::Environment& more = {}) const;
  /// Runs it to its end; throws std::runtime_error with its log when it did not show what is wanted.
  void converge(const std::filesystem::path& target, const std::string& moment, const tests::Environment& more = {});

  const tests::Oracle& oracle() const { return oracle_; }
  tests::Oracle& oracle() { return oracle_; }
  tests::PostgresServer& server() { return server_; }
  const tests::Store& store() const { return store_; }
  std::filesystem::path home() const { return home_.path(); }
  const std::string& database() const { return database_; }
  tests::Files files_of(const std::string& version) const;

 private:
  tests::TempDir home_{quick_directory()};
  tests::PostgresServer server_;
  std::string database_ = server_.create_migrated_database();
  tests::Store store_{home_ / "store"};
  tests::Oracle oracle_;
  int files_in_bundle_;
};

}  // namespace bundlesync::rigs
