#include "async/pool.hpp"
#include "fakes/memory_storage.hpp"
#include "ripe_clock.hpp"
#include "storage/file/beneath.hpp"
#include "storage/file/file_storage.hpp"
#include "storage/retrying.hpp"
#include "storage_bench.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bundlesync::storage::contract {
namespace {

class MemoryBench final : public Bench {
 public:
  Storage& storage() override { return memory_; }
  void hang(const std::string& key) override { memory_.hang(key); }
  void release(const std::string& key) override { memory_.release(key); }
  void take_away() override { memory_.set_away(true); }

 private:
  fakes::MemoryStorage memory_;
};

/// A file store in a directory of its own. A hang is a write lease: the kernel holds every open(2) of the file until
/// the lease is given back, as a network volume would that lost its server.
class FileBench : public Bench {
 public:
  FileBench() {
    // The kernel tells the lease's holder that somebody waits, by a signal that would end the process.
    std::signal(SIGIO, SIG_IGN);
    std::string name = (std::filesystem::temp_directory_path() / "bundlesync-store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("unable to make a temporary directory");
    home_ = name;
    file_ = std::make_unique<FileStorage>(store(), pool_);
  }
  ~FileBench() override {
    leases_.clear();
    while (!pool_.wait_idle(std::chrono::seconds(10))) ADD_FAILURE() << "a storage call never ended";
    std::filesystem::remove_all(home_);
  }

  Storage& storage() override { return *file_; }
  void hang(const std::string& key) override {
    file::Fd lease(::open((store() / key).c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(lease);
    ASSERT_EQ(::fcntl(lease.number(), F_SETLEASE, F_WRLCK), 0)
        << "this file system gives no leases: set TMPDIR to one that does";
    leases_[key] = std::move(lease);
  }
  void release(const std::string& key) override { leases_.erase(key); }
  void take_away() override { std::filesystem::rename(store(), home_ / "away"); }

 protected:
  std::filesystem::path store() const { return home_ / "not" / "yet" / "there"; }
  std::unique_ptr<Storage> release_file() { return std::move(file_); }

 private:
  std::filesystem::path home_;
  std::map<std::string, file::Fd> leases_;
  async::Pool pool_{3};
  std::unique_ptr<Storage> file_;
};

class RetryingFileBench final : public FileBench {
 public:
  RetryingFileBench() : retrying_(RetryingStorage::around(release_file(), clock_, RetryPolicy(), 1)) {}
  Storage& storage() override { return *retrying_; }

 private:
  RipeClock clock_;
  std::unique_ptr<Storage> retrying_;
};

}  // namespace

std::unique_ptr<Bench> make_memory_bench() {
  return std::make_unique<MemoryBench>();
}
std::unique_ptr<Bench> make_file_bench() {
  return std::make_unique<FileBench>();
}
std::unique_ptr<Bench> make_retrying_file_bench() {
  return std::make_unique<RetryingFileBench>();
}

}  // namespace bundlesync::storage::contract
