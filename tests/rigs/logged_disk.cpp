#include "rigs/logged_disk.hpp"

#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace bundlesync::rigs {
namespace fs = std::filesystem;
namespace {

void run_or_throw(const std::vector<std::string>& words) {
  const auto ended = tests::run({words, {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}, {}, {}});
  if (ended.code != 0) throw std::runtime_error(fmt::format("{} ended with {}: {}", words[0], ended.code, ended.err));
}

fs::path make_image(const fs::path& home, const std::string& type) {
  tests::remove_tree(home / type);
  fs::create_directories(home / type / "fuse");
  const fs::path image = home / type / "image";
  const bool xfs = type == "xfs";  // which has a least size
  run_or_throw({"/usr/bin/truncate", "-s", xfs ? "320M" : "32M", image.string()});
  std::vector<std::string> make{xfs ? "/sbin/mkfs.xfs" : "/sbin/mkfs.ext4", "-q"};
  if (!xfs) make.insert(make.end(), {"-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"});
  make.push_back(image.string());
  run_or_throw(make);
  return home / type;
}

}  // namespace

void keep_mounts_to_ourselves() {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    throw NoDisk("no mount namespace can be made here");
  }
}

Mount::Mount(const fs::path& image, fs::path place, const std::string& options) : place_(std::move(place)) {
  fs::create_directory(place_);
  run_or_throw({"/bin/mount", "-o", "loop" + options, image.string(), place_.string()});
}

Mount::~Mount() {
  if (::umount2(place_.c_str(), 0) != 0) ::umount2(place_.c_str(), MNT_DETACH);
}

LoggedDisk::LoggedDisk(const fs::path& home, std::string type, const std::string& options)
    : type_(std::move(type)), home_(make_image(home, type_)), file_(image(), home_ / "fuse") {
  try {
    mount_.emplace(file_.path(), place(), options);
  } catch (const std::runtime_error& error) {
    throw NoDisk(error.what());
  }
}

void LoggedDisk::settle() {
  const int directory = ::open(place().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ::syncfs(directory);
  ::close(directory);
  file_.forget();
}

void copy_image(const fs::path& from, const fs::path& to) {
  run_or_throw({"/bin/cp", "--sparse=auto", from.string(), to.string()});
}

}  // namespace bundlesync::rigs
