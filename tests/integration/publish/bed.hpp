#pragma once

#include "async/pool.hpp"
#include "catalog/postgres/catalog.hpp"
#include "publish/commands.hpp"
#include "run.hpp"
#include "storage/file/file_storage.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bundlesync::publish {

/// A migrated database of its own on a real server, a file store, and bundles to publish.
class PublishBed : public testing::Test {
 protected:
  void SetUp() override;

  /// Writes a bundle's directory: master.md and system.md (a prompt) with this text in them, and a manifest.
  std::filesystem::path bundle(const std::string& name, const std::string& text);
  Result<PublishResult> publish(const std::filesystem::path& directory, const std::string& version,
                                bool set_default = false);
  Result<PublishResult> publish(PublishRequest request);
  Result<AbandonResult> abandon(const std::string& version);
  PublishRequest request(const std::filesystem::path& directory, const std::string& version, bool set_default) const;

  /// The first cell of a statement's first row; "" for null or no row.
  std::string sql(const std::string& statement);
  /// Every object of the store: key → bytes.
  std::map<std::string, std::string> objects() const;
  std::string status_of(const std::string& version);
  std::string default_version();

  /// Starts publish_once; see there. wait() gives its exit code, or -signal.
  int start(const std::string& verb, const std::filesystem::path& directory, const std::string& version,
            bool set_default, long kill_after);
  int wait(int process);
  int run_once(const std::string& verb, const std::filesystem::path& directory, const std::string& version,
               bool set_default, long kill_after = 1'000'000);

  /// After a kill: until the server let go of what the dead held (bounded).
  void wait_until_unlocked();

  catalog::Session connect() const;

  tests::TempDir temp_;
  std::string database_;
  std::string conninfo_;
  std::filesystem::path home_;
  std::filesystem::path store_;
  async::Pool pool_{2};
  std::unique_ptr<storage::FileStorage> storage_;
  std::unique_ptr<catalog::Session> session_;
  std::unique_ptr<catalog::PostgresCatalog> catalog_;
  NoSteps no_steps_;
};

/// Calls a function when a step is reached, once.
class AtStep final : public Steps {
 public:
  AtStep(Step step, std::function<void()> act) : step_(step), act_(std::move(act)) {}
  void reached(Step step, std::string_view) override {
    seen.push_back(step);
    if (step == step_ && act_) std::exchange(act_, nullptr)();
  }
  std::vector<Step> seen;

 private:
  Step step_;
  std::function<void()> act_;
};

}  // namespace bundlesync::publish
