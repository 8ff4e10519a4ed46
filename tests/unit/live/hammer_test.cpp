#include "crash/world.hpp"
#include "fakes/faulty_files.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <thread>
#include <unistd.h>

namespace bundlesync::live {
namespace {

namespace fs = std::filesystem;
using namespace bundlesync::testing;

/// One file of a directory that is open, or nothing when it is missing.
std::optional<std::string> read_at(int dir, const std::string& name) {
  const disk::Fd fd(::openat(dir, name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::string bytes(8192, '\0');
  const auto size = ::read(fd.get(), bytes.data(), bytes.size());
  if (size < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(size));
  return bytes;
}

/// What readers saw while views went by.
struct Sights {
  std::atomic<std::uint64_t> views = 0;
  std::atomic<std::uint64_t> torn = 0;
  std::atomic<std::uint64_t> missing = 0;

  /// All files of one look must be of one version.
  void look(int dir, const std::vector<Goods>& versions) {
    if (dir < 0) {
      ++missing;
      return;
    }
    std::map<std::string, std::string> seen;
    for (const auto& [path, bytes] : versions.front().bytes) {
      auto got = read_at(dir, path);
      if (!got) {
        ++missing;
        return;
      }
      seen[path] = std::move(*got);
    }
    ++views;
    for (const auto& goods : versions) {
      if (seen == goods.bytes) return;
    }
    ++torn;
  }
};

TEST(Hammer, ReadersOfOneDirectoryNeverSeeAMixtureNorAGap) {
  constexpr int swaps = 1000;
  constexpr int kept = 500;  // a tenth of a second or more: a reader may have to wait that long for its turn
  const std::vector<Goods> versions = {make_goods("section7", "1.0.0"), make_goods("section7", "1.1.0")};
  QuickDir dir;
  disk::RealFiles real;
  FaultyFiles files(real);  // no faults; without fsync the swaps come faster
  auto machine = Machine::start(files, dir.path());
  ASSERT_TRUE(machine) << machine.error().text();
  std::vector<std::map<std::string, plan::Shown>> shown;
  for (const auto& goods : versions) {
    ASSERT_TRUE((*machine)->converge(want({goods})));
    shown.push_back((*machine)->live().read()->templates);
  }

  Sights by_handle;
  Sights by_realpath;
  std::atomic<bool> over = false;
  const std::string path = (dir.path() / "section7").string();
  std::thread handle([&] {
    while (!over) {
      const disk::Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      by_handle.look(fd.get(), versions);
    }
  });
  std::thread resolved([&] {
    while (!over) {
      const std::unique_ptr<char, decltype(&std::free)> real_path(::realpath(path.c_str(), nullptr), &std::free);
      const disk::Fd fd(real_path ? ::open(real_path.get(), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1);
      by_realpath.look(fd.get(), versions);
    }
  });
  for (int swap = 0; swap < swaps && !::testing::Test::HasFailure(); ++swap) {
    auto view = (*machine)->live().show(shown[static_cast<std::size_t>(swap % 2)], (*machine)->state());
    EXPECT_TRUE(view) << view.error().text();
    if (swap % 50 == 0) {
      EXPECT_TRUE((*machine)->live().tidy(kept));
    }
  }
  over = true;
  handle.join();
  resolved.join();
  EXPECT_EQ((*machine)->live().read()->number, 2U + swaps);
  for (const auto* sights : {&by_handle, &by_realpath}) {
    EXPECT_GT(sights->views, 100U);
    EXPECT_EQ(sights->torn, 0U);
    EXPECT_EQ(sights->missing, 0U);
  }
}

}  // namespace
}  // namespace bundlesync::live
