#include "disk/granted_files.hpp"

#include "crash/world.hpp"
#include "disk/layout.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace bundlesync::disk {
namespace {

Access of_a_group() {
  Access access;
  access.file_mode = 0440;
  access.dir_mode = 0550;
  return access;
}

TEST(GrantedFiles, GiveReadersTheWantedModesAndNobodyWhatIsPrivate) {
  const GrantedFiles files(of_a_group());
  EXPECT_EQ(files.granted(layout::file_mode), 0440U);
  EXPECT_EQ(files.granted(layout::sealed_mode), 0550U);
  EXPECT_EQ(files.granted(layout::dir_mode), 0750U);
  EXPECT_EQ(files.granted(layout::dir_mode & 0666), 0640U);
  EXPECT_EQ(files.granted(layout::private_mode), 0700U);
  EXPECT_EQ(files.granted(layout::private_file_mode), 0600U);
  const GrantedFiles standard((Access()));
  for (const mode_t mode : {layout::file_mode, layout::sealed_mode, layout::dir_mode, layout::private_mode}) {
    EXPECT_EQ(standard.granted(mode), mode);
  }
}

TEST(GrantedFiles, LeaveAloneWhatIsRight) {
  const testing::TempDir home;
  GrantedFiles files(of_a_group());
  const auto dir = files.open_path(home.path()).value();
  const auto file = files.create(dir.get(), "a").value();
  ASSERT_TRUE(files.chmod(file.get(), layout::file_mode));
  struct stat before{};
  ASSERT_EQ(::fstat(file.get(), &before), 0);
  EXPECT_EQ(before.st_mode & 07777, 0440U);
  ::usleep(20'000);
  ASSERT_TRUE(files.chmod(file.get(), layout::file_mode));
  struct stat after{};
  ASSERT_EQ(::fstat(file.get(), &after), 0);
  EXPECT_EQ(after.st_ctim.tv_sec, before.st_ctim.tv_sec);
  EXPECT_EQ(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
}

TEST(GrantedFiles, GiveTheGroupBeforeTheModeThatLetsItIn) {
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: only root may give files to any group";
  const testing::TempDir home;
  Access access = of_a_group();
  access.gid = 3000;
  GrantedFiles files(access);
  const auto dir = files.open_path(home.path()).value();
  const auto file = files.create(dir.get(), "a").value();
  struct stat info{};
  ASSERT_TRUE(files.chmod(file.get(), layout::private_file_mode));
  ASSERT_EQ(::fstat(file.get(), &info), 0);
  EXPECT_NE(info.st_gid, 3000U) << "what is private stays ours";
  ASSERT_TRUE(files.chmod(file.get(), layout::file_mode));
  ASSERT_EQ(::fstat(file.get(), &info), 0);
  EXPECT_EQ(info.st_gid, 3000U);
  EXPECT_EQ(info.st_mode & 07777, 0440U);
}

}  // namespace
}  // namespace bundlesync::disk
