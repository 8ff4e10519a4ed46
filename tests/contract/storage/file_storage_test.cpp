#include "storage/file/file_storage.hpp"

#include "run.hpp"
#include "storage/file/objects.hpp"
#include "storage/sinks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace bundlesync::storage {
namespace {

namespace fs = std::filesystem;
using test::run;

class FileStore : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "bundlesync-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    home_ = name;
    store_ = home_ / "store";
    storage_ = std::make_unique<FileStorage>(store_, pool_);
  }
  void TearDown() override { fs::remove_all(home_); }

  void plant(const std::string& path, const std::string& bytes) {
    fs::create_directories((store_ / path).parent_path());
    std::ofstream(store_ / path) << bytes;
  }
  Result<ObjectInfo> download(const std::string& key) { return run(storage_->download(key, 1 << 20, sink_)); }
  std::set<std::string> tree() {
    std::set<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(home_))
      found.insert(fs::relative(entry.path(), home_).string());
    return found;
  }

  fs::path home_;
  fs::path store_;
  async::Pool pool_{2};
  std::unique_ptr<FileStorage> storage_;
  StringSink sink_;
};

TEST_F(FileStore, MakesItsDirectoryAtTheFirstUploadOnly) {
  StringSink sink;
  const auto before = download("t/v1.0.0/a");
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(before.error().text(),
            "the store's directory " + store_.string() +
                " does not exist\nhint: is the volume mounted, and is storage.url right? the first "
                "publish creates the directory");
  ASSERT_FALSE(run(storage_->stat("t/v1.0.0/a")));
  ASSERT_FALSE(run(storage_->list("t/v1.0.0")));
  ASSERT_FALSE(run(storage_->remove("t/v1.0.0/a")));
  EXPECT_EQ(tree(), std::set<std::string>{});

  ASSERT_TRUE(run(storage_->upload("t/v1.0.0/a", "x", "")));
  EXPECT_EQ(tree(), (std::set<std::string>{"store", "store/t", "store/t/v1.0.0", "store/t/v1.0.0/a"}));
}

TEST_F(FileStore, TakesAnEmptyDirectoryForAnUnmountedVolumeWhenItIsRead) {
  fs::create_directories(store_);
  const auto info = download("t/v1.0.0/a");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(info.error().fact(), "the store's directory " + store_.string() + " is empty");
  const auto listed = run(storage_->list("t/v1.0.0"));
  ASSERT_TRUE(listed);
  EXPECT_TRUE(listed->empty());
  EXPECT_TRUE(run(storage_->remove("t/v1.0.0/a")));
}

TEST_F(FileStore, NeverOpensWhatIsNoRegularFile) {
  plant("t/v1.0.0/regular", "x");
  ASSERT_EQ(::mkfifo((store_ / "t/v1.0.0/fifo").c_str(), 0600), 0);
  const auto info = download("t/v1.0.0/fifo");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().kind(), ErrorKind::refused);
  EXPECT_EQ(info.error().reason(), "object_not_regular");
  EXPECT_EQ(info.error().fact(), "the object 't/v1.0.0/fifo' in file://" + store_.string() + " is not a regular file");
  EXPECT_EQ(run(storage_->remove("t/v1.0.0/fifo")).error().reason(), "object_not_regular");
  EXPECT_TRUE(fs::exists(store_ / "t/v1.0.0/fifo"));

  const auto listed = run(storage_->list("t"));
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_EQ(listed->front().key, "t/v1.0.0/regular");
}

TEST_F(FileStore, FollowsNoSymbolicLink) {
  plant("t/v1.0.0/real", "real");
  std::ofstream(home_ / "secret") << "secret";
  fs::create_symlink(home_ / "secret", store_ / "t/v1.0.0/out");
  fs::create_symlink("real", store_ / "t/v1.0.0/in");
  fs::create_directory_symlink(home_, store_ / "t/up");
  for (const std::string key : {"t/v1.0.0/out", "t/v1.0.0/in", "t/up/secret"}) {
    const auto info = download(key);
    ASSERT_FALSE(info) << key;
    EXPECT_EQ(info.error().kind(), ErrorKind::refused) << key << info.error().text();
    EXPECT_EQ(info.error().reason(), "object_behind_link");
    EXPECT_FALSE(run(storage_->remove(key))) << key;
  }
  EXPECT_EQ(sink_.bytes(), "");
  EXPECT_FALSE(run(storage_->upload("t/up/planted", "x", "")));
  EXPECT_FALSE(fs::exists(home_ / "planted"));
  EXPECT_TRUE(fs::exists(home_ / "secret"));
  EXPECT_EQ(run(storage_->upload("t/v1.0.0/out", "x", "")).error().reason(), "object_exists");
}

TEST_F(FileStore, WalksToTheSameVerdictWithoutOpenat2) {
  plant("t/v1.0.0/real", "real");
  fs::create_symlink("real", store_ / "t/v1.0.0/in");
  fs::create_directory_symlink(home_, store_ / "t/up");
  const file::Fd root(::open(store_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(root);
  EXPECT_TRUE(file::open_by_walk(root.number(), "t/v1.0.0/real", O_RDONLY));
  EXPECT_TRUE(file::open_by_walk(root.number(), "t/v1.0.0/real", O_PATH));
  EXPECT_TRUE(file::open_by_walk(root.number(), ".", O_RDONLY | O_DIRECTORY));
  for (const std::string path :
       {"t/v1.0.0/in", "t/up/store", "../store", "t/../t/v1.0.0/real", "/etc/passwd", "t//v1.0.0"}) {
    EXPECT_FALSE(file::open_by_walk(root.number(), path, O_PATH)) << path;
    EXPECT_FALSE(file::open_by_walk(root.number(), path, O_RDONLY)) << path;
  }
}

TEST_F(FileStore, RefusesAnObjectBelowAnObject) {
  ASSERT_TRUE(run(storage_->upload("t/v1.0.0/a", "x", "")));
  const auto below = run(storage_->upload("t/v1.0.0/a/b", "y", ""));
  ASSERT_FALSE(below);
  EXPECT_EQ(below.error().reason(), "key_under_object");
  EXPECT_EQ(below.error().fact(), "'t/v1.0.0/a/b' cannot be created: 't/v1.0.0/a' is an object, not a directory");
  EXPECT_EQ(tree(), (std::set<std::string>{"store", "store/t", "store/t/v1.0.0", "store/t/v1.0.0/a"}));
}

TEST_F(FileStore, HidesUnfinishedUploadsAndRemovesThoseThatAreOld) {
  plant("t/v1.0.0/.bundlesync-upload-old", "half");
  plant("t/v1.0.0/.bundlesync-upload-young", "half");
  plant("t/v1.0.0/whole", "whole");
  fs::last_write_time(store_ / "t/v1.0.0/.bundlesync-upload-old",
                      fs::file_time_type::clock::now() - std::chrono::hours(2));
  const auto listed = run(storage_->list("t"));
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1U);

  ASSERT_TRUE(run(storage_->upload("t/v1.0.0/new", "x", "")));
  EXPECT_FALSE(fs::exists(store_ / "t/v1.0.0/.bundlesync-upload-old"));
  EXPECT_TRUE(fs::exists(store_ / "t/v1.0.0/.bundlesync-upload-young"));
}

TEST_F(FileStore, SaysWhoMayNotWriteWhere) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  fs::create_directories(store_);
  fs::permissions(store_, fs::perms::owner_read | fs::perms::owner_exec);
  const auto uploaded = run(storage_->upload("t/v1.0.0/a", "x", ""));
  fs::permissions(store_, fs::perms::owner_all);
  ASSERT_FALSE(uploaded);
  EXPECT_EQ(uploaded.error().kind(), ErrorKind::unauthorised);
}

/// A reader that looks all the time while objects are made sees each of them whole or not at all.
TEST_F(FileStore, ShowsAnObjectWholeOrNotAtAll) {
  ASSERT_TRUE(run(storage_->upload("t/v1.0.0/first", "x", "")));
  std::atomic<bool> done = false;
  std::atomic<int> parts = 0;
  std::atomic<int> wholes = 0;
  std::thread reader([&] {
    while (!done) {
      const auto info = file::stat_object(store_, "t/v1.0.0/big");
      if (info && info->size != 3'000'000) ++parts;
      if (info && info->size == 3'000'000) ++wholes;
    }
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(run(storage_->upload("t/v1.0.0/big", std::string(3'000'000, 'b'), "")));
    EXPECT_TRUE(run(storage_->remove("t/v1.0.0/big")));
  }
  done = true;
  reader.join();
  EXPECT_EQ(parts, 0);
}

}  // namespace
}  // namespace bundlesync::storage
