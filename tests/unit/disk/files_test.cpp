#include "disk/files.hpp"

#include "crash/world.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace bundlesync::disk {
namespace {

namespace fs = std::filesystem;
using testing::read_text;
using testing::TempDir;
using testing::write_text;

class RealFilesTest : public ::testing::Test {
 protected:
  RealFilesTest() {
    write_text(dir_.path() / "in/a/file", "inside");
    write_text(dir_.path() / "out/secret", "outside");
    fs::create_directory_symlink("a", dir_.path() / "in/link");
    fs::create_directory_symlink("../out", dir_.path() / "in/up");
    fs::create_directory_symlink(dir_.path() / "out", dir_.path() / "in/absolute");
    in_ = std::move(*files_.open_path(dir_.path() / "in"));
  }
  TempDir dir_;
  RealFiles files_;
  Fd in_;
};

TEST_F(RealFilesTest, FollowsNoLinkAndLeadsNowhereElse) {
  EXPECT_TRUE(files_.open_file(in_.get(), "a/file", Links::refuse));
  EXPECT_EQ(files_.open_file(in_.get(), "link/file", Links::refuse).error(), ELOOP);
  EXPECT_EQ(files_.open_dir(in_.get(), "link", Links::refuse).error(), ELOOP);
  EXPECT_EQ(files_.open_file(in_.get(), "../out/secret", Links::refuse).error(), EXDEV);
  EXPECT_EQ(files_.open_file(in_.get(), "missing", Links::refuse).error(), ENOENT);
}

TEST_F(RealFilesTest, FollowsLinksThatStayInside) {
  EXPECT_TRUE(files_.open_file(in_.get(), "link/file", Links::inside));
  for (const auto* name : {"up/secret", "absolute/secret", "../out/secret"}) {
    EXPECT_EQ(files_.open_file(in_.get(), name, Links::inside).error(), EXDEV) << name;
  }
}

TEST_F(RealFilesTest, WalksAsOpenat2DoesWhereThatIsMissing) {
  const int flags = O_RDONLY | O_NONBLOCK;
  for (const auto links : {Links::refuse, Links::inside}) {
    for (const auto* name :
         {"a/file", "link/file", "up/secret", "absolute/secret", "../out/secret", "missing", "a", "."}) {
      auto walked = open_beneath_by_walking(in_.get(), name, flags, links);
      auto opened = files_.open_file(in_.get(), name, links);
      EXPECT_EQ(walked ? 0 : walked.error(), opened ? 0 : opened.error()) << name;
    }
  }
}

TEST_F(RealFilesTest, MakesFilesThatNobodyElseHasOpenAndThatExecDoesNotInherit) {
  auto fd = files_.create(in_.get(), "new");
  ASSERT_TRUE(fd);
  EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(files_.create(in_.get(), "new").error(), EEXIST);
  ASSERT_EQ(::symlink("elsewhere", (dir_.path() / "in/trap").c_str()), 0);
  EXPECT_EQ(files_.create(in_.get(), "trap").error(), EEXIST);
  EXPECT_FALSE(fs::exists(dir_.path() / "in/elsewhere"));
}

TEST_F(RealFilesTest, DoesNotWaitForAPipe) {
  ASSERT_EQ(::mkfifo((dir_.path() / "in/pipe").c_str(), 0600), 0);
  auto fd = files_.open_file(in_.get(), "pipe", Links::refuse);
  ASSERT_TRUE(fd);
  EXPECT_EQ(files_.stat(fd->get())->type, FileType::other);
}

TEST_F(RealFilesTest, CopiesWhatIsLargerThanOnePiece) {
  std::string bytes;
  for (int i = 0; bytes.size() < 3'000'000; ++i) bytes += std::to_string(i);
  write_text(dir_.path() / "in/large", bytes);
  auto from = files_.open_file(in_.get(), "large", Links::refuse);
  auto to = files_.create(in_.get(), "copy");
  ASSERT_TRUE(from && to);
  ASSERT_TRUE(files_.copy(from->get(), to->get()));
  EXPECT_EQ(read_text(dir_.path() / "in/copy"), bytes);
}

TEST_F(RealFilesTest, WritesAllThroughAPipeThatTakesLittleAtATime) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd out(ends[0]);
  Fd in(ends[1]);
  const std::string bytes(1'000'000, 'x');
  std::string got;
  std::thread reader([&] {
    std::string piece(10'000, '\0');
    for (ssize_t size = 0; (size = ::read(out.get(), piece.data(), piece.size())) > 0;) {
      got.append(piece, 0, static_cast<std::size_t>(size));
    }
  });
  EXPECT_TRUE(files_.write(in.get(), bytes));
  in.reset();
  reader.join();
  EXPECT_EQ(got, bytes);
}

TEST_F(RealFilesTest, LocksAgainstAnotherDescriptorOfTheSameProcess) {
  auto one = files_.open_lock(in_.get(), "lock");
  auto two = files_.open_lock(in_.get(), "lock");
  ASSERT_TRUE(one && two);
  ASSERT_TRUE(files_.lock(one->get()));
  EXPECT_EQ(files_.lock(two->get()).error(), EAGAIN);
  one->reset();
  EXPECT_TRUE(files_.lock(two->get()));
}

TEST(OsError, SaysWhatToDo) {
  const Error full = os_error(ENOSPC, "cannot write x");
  EXPECT_EQ(full.kind(), ErrorKind::no_space);
  EXPECT_EQ(full.text(),
            "cannot write x: no space left on device\n"
            "hint: free some space or inodes, or raise the volume's size; what is shown stays");
  EXPECT_EQ(os_error(EACCES, "x").kind(), ErrorKind::unauthorised);
  EXPECT_EQ(os_error(EMFILE, "x").kind(), ErrorKind::unavailable);
  EXPECT_EQ(os_error(EIO, "x").kind(), ErrorKind::failed);
}

}  // namespace
}  // namespace bundlesync::disk
