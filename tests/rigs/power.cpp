// The power goes at each file-system call of the agent: the file system of its target is shut down as it is, without
// what was not yet on the disk, and mounted anew. Needs root and loop devices. See tests/torture.
#include "rigs/gate.hpp"
#include "rigs/versions.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

using namespace bundlesync::rigs;
namespace tests = bundlesync::tests;
namespace fs = std::filesystem;

void run_or_throw(const std::vector<std::string>& words) {
  const auto ended = tests::run({words, {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}, {}, {}});
  if (ended.code != 0) throw std::runtime_error(fmt::format("{} ended with {}: {}", words[0], ended.code, ended.err));
}

/// This machine, or whatever we run in, has no loop devices for us.
struct NoDisk : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A file system of its own in a file.
class Disk {
 public:
  Disk(const fs::path& home, const std::string& type) : image_(home / (type + ".img")), place_(home / (type + ".mnt")) {
    fs::create_directory(place_);
    const bool xfs = type == "xfs";  // which has a least size
    run_or_throw({"/usr/bin/truncate", "-s", xfs ? "320M" : "32M", image_.string()});
    run_or_throw({xfs ? "/sbin/mkfs.xfs" : "/sbin/mkfs." + type, "-q", image_.string()});
    try {
      mount();
    } catch (const std::runtime_error& error) {
      throw NoDisk(error.what());
    }
  }
  ~Disk() {
    if (mounted_) (void)tests::run({{"/bin/umount", "-l", place_.string()}, {}, {}, {}});
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  const fs::path& place() const { return place_; }
  /// Nothing reaches the disk from now on.
  void cut() const {
    constexpr unsigned long shut_down = _IOR('X', 125, std::uint32_t);  // FS_IOC_SHUTDOWN, of ext4 and xfs
    std::uint32_t without_log_flush = 2;
    const int directory = ::open(place_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int done = ::ioctl(directory, shut_down, &without_log_flush);
    ::close(directory);
    if (done != 0) throw std::runtime_error("this file system cannot be shut down");
  }
  void power_on() {
    run_or_throw({"/bin/umount", place_.string()});
    mounted_ = false;
    mount();
  }

 private:
  void mount() {
    run_or_throw({"/bin/mount", "-o", "loop", image_.string(), place_.string()});
    mounted_ = true;
  }
  fs::path image_;
  fs::path place_;
  bool mounted_ = false;
};

struct Tally {
  std::uint64_t cuts = 0, torn = 0, lost = 0, failed_reruns = 0;
};

/// One upgrade from a state of the target, cut at each of its calls.
class Cuts {
 public:
  Cuts(Versions& versions, Disk& disk, fs::path before, std::string moment, std::uint64_t every)
      : versions_(versions),
        disk_(disk),
        before_(std::move(before)),
        moment_(std::move(moment)),
        target_(disk.place() / "prompts"),
        every_(every) {}

  Tally run(const std::string& shown, const std::string& wanted) {
    lay_out();
    const auto whole = run_gated(versions_.once(target_, moment_), target_, Fault(), std::chrono::seconds(60));
    if (whole.code != 0) throw std::runtime_error("without a cut it ended so: " + whole.err);
    for (std::uint64_t at = 1; at <= whole.calls; at += every_) cut_at(at, shown, wanted);
    return tally_;
  }

 private:
  void lay_out() {
    copy_tree(before_, target_);
    ::sync();
  }
  void cut_at(std::uint64_t at, const std::string& shown, const std::string& wanted) {
    lay_out();
    Fault fault{Fault::Kind::kill_before, at, 0, [this] { disk_.cut(); }};
    const auto run = run_gated(versions_.once(target_, moment_), target_, fault, std::chrono::seconds(60));
    if (!run.fired) return;
    ++tally_.cuts;
    disk_.power_on();
    tests::Reader reader(target_, versions_.oracle());
    const auto seen = reader.look("alpha");
    const std::string what = fmt::format("power cut at call {} ({}) on {}", at, run.call, disk_.place().string());
    if (seen.torn || (seen.version != shown && seen.version != wanted)) {
      ++tally_.torn;
      fmt::print(stderr, "FAILED {}: apps read {}\n", what, seen.torn ? "a mixture" : "'" + seen.version + "'");
    }
    if (run.err.find("→" + wanted) != std::string::npos && seen.version != wanted) {
      ++tally_.lost;
      fmt::print(stderr, "FAILED {}: it said that {} is shown, and apps read '{}'\n", what, wanted, seen.version);
    }
    const auto again = tests::run(versions_.once(target_, moment_));
    if (again.code != 0 || reader.look("alpha").version != wanted || stages_below(target_) != 0) {
      ++tally_.failed_reruns;
      fmt::print(stderr, "FAILED {}: run again it ended with {}: {}\n", what, again.code, again.err);
    }
  }

  Versions& versions_;
  Disk& disk_;
  const fs::path before_;
  const std::string moment_;
  const fs::path target_;
  const std::uint64_t every_;
  Tally tally_;
};

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t every = 1;
  int files = 8;
  CLI::App app("Cuts the power at each file-system call of an upgrade, on ext4 and xfs");
  app.add_option("--every", every, "Only every Nth call")->check(CLI::PositiveNumber);
  app.add_option("--files", files, "Files in a version")->check(CLI::Range(2, 200));
  CLI11_PARSE(app, argc, argv);
  if (::geteuid() != 0) {
    fmt::print("SKIPPED power: it takes root to mount a file system\n");
    return skipped_exit_code;
  }
  try {
    Versions versions(files);
    versions.publish("1.0.0");
    const std::string first = versions.moment();
    versions.publish("1.1.0");
    const std::string upgrade = versions.moment();
    const fs::path before = versions.home() / "before";
    fs::create_directory(before);
    versions.converge(before, first);
    const tests::TempDir home;  // a loop device wants a real file below it
    Tally sum;
    for (const std::string type : {"ext4", "xfs"}) {
      Disk disk(home.path(), type);
      const Tally tally = Cuts(versions, disk, before, upgrade, every).run("1.0.0", "1.1.0");
      fmt::print(stderr, "{}: {} cuts\n", type, tally.cuts);
      sum.cuts += tally.cuts;
      sum.torn += tally.torn;
      sum.lost += tally.lost;
      sum.failed_reruns += tally.failed_reruns;
    }
    fmt::print("cuts={} torn={} acknowledged_and_lost={} failed_reruns={}\n", sum.cuts, sum.torn, sum.lost,
               sum.failed_reruns);
    return sum.cuts > 0 && sum.torn + sum.lost + sum.failed_reruns == 0 ? 0 : 1;
  } catch (const NoGate& error) {
    fmt::print("SKIPPED power: {}\n", error.what());
    return skipped_exit_code;
  } catch (const NoDisk& error) {
    fmt::print("SKIPPED power: {}\n", error.what());
    return skipped_exit_code;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
