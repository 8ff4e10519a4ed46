#pragma once

#include "async/pool.hpp"
#include "fakes/manual_clock.hpp"
#include "fakes/memory_storage.hpp"
#include "fakes/recording_reporter.hpp"
#include "fakes/unreadable_files.hpp"
#include "sync/reconciler.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>

/// A whole reconcile on a real disk in a temporary directory; the clock, the storage and the catalog's answers are the
/// test's.
namespace bundlesync::scenario {

namespace fs = std::filesystem;

using Files = std::map<std::string, std::string>;

class Stage : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // The agent's life.
  void start();
  /// All but the recovery.
  void assemble();
  sync::World world();
  void stop();
  void restart();
  /// Passes until nothing more happens without the clock.
  void settle();
  /// Until neither the loop nor the pool has anything to do: what is under way then hangs, or waits for the clock.
  void come_to_rest();

  /// Runs it to its end; for the types that stage.cpp names.
  template <class T>
  T wait(Task<T> task);

  // The catalog.
  plan::WantedVersion publish(const std::string& name, const std::string& semver, const Files& files);
  /// Moves the defaults of several templates in one transaction.
  void move(const std::vector<plan::WantedVersion>& versions);
  void answer_again();

  // What a reader sees.
  fs::path prompts() const { return root_ / "prompts"; }
  std::string read(const std::string& path) const;
  std::string view() const;
  std::string state_of(const std::string& name) const;
  void fallback(const std::string& name, const std::string& path, const std::string& content);
  std::size_t stages() const;

  fs::path root_;
  asio::io_context io_{1};
  fakes::ManualClock clock_{io_};
  async::Pool pool_{2};
  fakes::MemoryStorage storage_;
  fakes::UnreadableFiles files_;
  Random random_{7};
  hooks::Validator* validator_ = nullptr;
  sync::Options options_;
  std::unique_ptr<fakes::RecordingReporter> reporter_;
  std::unique_ptr<disk::Target> target_;
  std::unique_ptr<disk::Trees> trees_;
  std::unique_ptr<disk::StateStore> state_;
  std::unique_ptr<live::LiveView> live_;
  std::unique_ptr<sync::Reconciler> reconciler_;
  std::map<std::string, plan::WantedTemplate> catalog_;
  std::string epoch_ = "epoch-1";
  std::uint64_t change_ = 700;
};

}  // namespace bundlesync::scenario
