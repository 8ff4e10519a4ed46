// The power goes between two flushes of the disk, which has kept some of what was written since the last one, in no
// order: such images are made from a log of every write, mounted and judged. Needs root, loop devices and FUSE. See
// tests/torture.
#include "rigs/gate.hpp"
#include "rigs/logged_disk.hpp"
#include "rigs/versions.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <future>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <random>
#include <set>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace bundlesync::rigs;
namespace tests = bundlesync::tests;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// What one run of the agent wrote, and when it said that it was done.
struct Recording {
  std::vector<BlockEvent> events;  ///< a block at a time
  std::size_t acknowledged = 0;    ///< events before that
};

/// fsync and its like do nothing and say they did, for this thread and what it starts.
void forget_how_to_sync() {
  std::vector<sock_filter> filter{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)}};
  for (const long call : {SYS_fsync, SYS_fdatasync, SYS_syncfs, SYS_sync, SYS_sync_file_range, SYS_msync}) {
    filter.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<std::uint32_t>(call)});
    filter.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO});
  }
  filter.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    throw NoGate("system calls cannot be filtered here");
  }
}

/// Runs the agent to its end. The events that there were when it said that `wanted` is shown.
std::size_t run_agent(const tests::Command& command, const std::string& wanted, const LoggedFile& disk) {
  tests::Process agent(command);
  const auto until = std::chrono::steady_clock::now() + 60s;
  while (agent.err().find("→" + wanted) == std::string::npos) {
    if (agent.wait(0ms) || std::chrono::steady_clock::now() > until) break;
    agent.wait_for_err(agent.err().size(), until);
  }
  const std::size_t acknowledged = disk.count();
  const auto code = agent.wait(60s);
  if (code != 0 || agent.err().find("→" + wanted) == std::string::npos) {
    throw std::runtime_error(fmt::format("the agent did not show {}: {}", wanted, agent.err()));
  }
  return acknowledged;
}

Recording in_blocks(const std::vector<BlockEvent>& events, std::size_t acknowledged) {
  Recording recording;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i == acknowledged) recording.acknowledged = recording.events.size();
    BlockEvent block = events[i];
    if (block.flush) recording.events.push_back(block);
    for (std::size_t at = 0; at < events[i].bytes.size(); at += block.bytes.size()) {
      block.offset = events[i].offset + at;
      block.bytes = events[i].bytes.substr(at, block_bytes - block.offset % block_bytes);
      recording.events.push_back(block);
    }
  }
  if (acknowledged >= events.size()) recording.acknowledged = recording.events.size();
  return recording;
}

/// From one state of a target to the next.
struct Step {
  fs::path before;
  std::string moment, shown, wanted;
};

struct Tally {
  std::uint64_t images = 0, torn = 0, lost = 0;
  bool expected = false;  ///< what is found is what was looked for, and nothing to report
};

/// The images of one step, each as a disk could be found.
class Images {
 public:
  Images(const Versions& versions, const Step& step, const LoggedDisk& disk, Recording recording, fs::path base,
         std::mt19937& dice)
      : versions_(versions),
        step_(step),
        type_(disk.type()),
        recording_(std::move(recording)),
        base_(std::move(base)),
        scratch_(base_.string() + ".cut"),
        dice_(dice) {}

  void judge(std::uint64_t wanted_images, Tally& tally) {
    for (std::uint64_t tries = 0, made = 0; made < wanted_images && tries < 20 * wanted_images; ++tries) {
      const auto [at, kept] = cut();
      if (!seen_.insert({at >= recording_.acknowledged, kept}).second) continue;
      ++made;
      ++tally.images;
      write_image(kept);
      look(at, tally);
    }
  }

 private:
  using Kept = std::vector<std::size_t>;

  /// A moment (so many events had happened), and the events that are on the disk then.
  std::pair<std::size_t, Kept> cut() {
    const auto& events = recording_.events;
    const std::size_t at = std::uniform_int_distribution<std::size_t>(0, events.size())(dice_);
    std::size_t flushed = at;
    while (flushed > 0 && !events[flushed - 1].flush) --flushed;
    const double share = std::uniform_real_distribution<>(0, 1)(dice_);
    std::bernoulli_distribution keep(share);
    Kept kept;
    for (std::size_t i = 0; i < at; ++i) {
      if (!events[i].flush && (i < flushed || keep(dice_))) kept.push_back(i);
    }
    return {at, kept};
  }

  void write_image(const Kept& kept) const {
    copy_image(base_, scratch_);
    const int file = ::open(scratch_.c_str(), O_WRONLY | O_CLOEXEC);
    for (const std::size_t i : kept) {
      const auto& [flush, offset, bytes] = recording_.events[i];
      const auto wrote = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (wrote != static_cast<ssize_t>(bytes.size())) throw std::runtime_error("cannot write " + scratch_.string());
    }
    ::close(file);
  }

  void look(std::size_t at, Tally& tally) const {
    const fs::path place = scratch_.string() + ".mnt";
    const std::string what = fmt::format("{}: cut after {} of {} blocks on the way from '{}' to {}", type_, at,
                                         recording_.events.size(), step_.shown, step_.wanted);
    std::string problem;
    const bool acknowledged = at >= recording_.acknowledged;
    bool lost = false;
    try {
      const Mount mounted(scratch_, place, type_ == "xfs" ? ",nouuid" : "");  // its like is mounted already
      tests::Reader reader(place / "prompts", versions_.oracle());
      const auto seen = reader.look("alpha");
      if (seen.torn || (seen.version != step_.shown && seen.version != step_.wanted)) {
        problem = seen.torn ? "apps read a mixture" : "apps read '" + seen.version + "'";
      } else if (acknowledged && seen.version != step_.wanted) {
        problem = "it said that it is shown, and apps read '" + seen.version + "'";
        lost = true;
      }
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (problem.empty()) return;
    ++(lost ? tally.lost : tally.torn);
    if (!tally.expected && tally.lost + tally.torn <= 5) fmt::print(stderr, "FOUND {}: {}\n", what, problem);
  }

  const Versions& versions_;
  const Step& step_;
  std::string type_;
  Recording recording_;
  fs::path base_;
  fs::path scratch_;
  std::mt19937& dice_;
  std::set<std::pair<bool, Kept>> seen_;
};

class Rig {
 public:
  Rig(int files, std::uint32_t seed) : versions_(files), home_(quick_directory()), dice_(seed) {
    versions_.publish("1.0.0");
    const std::string first = versions_.moment();
    versions_.publish("1.1.0");
    const std::string second = versions_.moment();
    versions_.move("1.0.0");
    const std::string back = versions_.moment();
    for (const auto* name : {"empty", "first", "second"}) fs::create_directory(home_ / name);
    versions_.converge(home_ / "first", first);
    copy_tree(home_ / "first", home_ / "second");
    versions_.converge(home_ / "second", second);
    steps_ = {{home_ / "first", second, "1.0.0", "1.1.0"},
              {home_ / "empty", first, "", "1.0.0"},
              {home_ / "second", back, "1.1.0", "1.0.0"}};
  }

  Tally run(const std::string& type, std::uint64_t images) {
    constexpr std::uint64_t images_of_one_run = 100;
    Tally tally;
    for (std::size_t round = 0; tally.images < images; ++round) {
      const Step& step = steps_[round % steps_.size()];
      const std::uint64_t share = std::max<std::uint64_t>(1, std::min(images_of_one_run, images / steps_.size()));
      record(type, step, std::min(share, images - tally.images), false, tally);
    }
    return tally;
  }
  Tally run_blind(std::uint64_t images) {
    Tally tally;
    tally.expected = true;
    record("ext4", steps_.front(), images, true, tally);
    return tally;
  }

 private:
  void record(const std::string& type, const Step& step, std::uint64_t images, bool blind, Tally& tally) {
    LoggedDisk disk(home_.path(), type, blind ? ",commit=1" : "");
    const fs::path target = disk.place() / "prompts";
    copy_tree(step.before, target);
    disk.settle();
    const fs::path base = home_ / (type + ".base");
    copy_image(disk.image(), base);
    const auto command = versions_.once(target, step.moment);
    std::size_t acknowledged = 0;
    if (blind) {
      acknowledged = std::async(std::launch::async, [&] {
                       forget_how_to_sync();
                       return run_agent(command, step.wanted, disk.file());
                     }).get();
      std::this_thread::sleep_for(3s);  // the file system writes down on its own what was renamed
    } else {
      acknowledged = run_agent(command, step.wanted, disk.file());
    }
    Images(versions_, step, disk, in_blocks(disk.file().events(), acknowledged), base, dice_).judge(images, tally);
  }

  Versions versions_;
  tests::TempDir home_;
  std::mt19937 dice_;
  std::vector<Step> steps_;
};

int run(std::uint64_t images, int files, std::uint32_t seed, bool blind) {
  keep_mounts_to_ourselves();
  Rig rig(files, seed);
  if (blind) {
    const Tally tally = rig.run_blind(images);
    fmt::print("blind_images={} seen_torn={} seen_lost={}\n", tally.images, tally.torn, tally.lost);
    return tally.torn > 0 ? 0 : 1;
  }
  Tally sum;
  for (const std::string type : {"ext4", "xfs"}) {
    const Tally tally = rig.run(type, type == "xfs" ? images / 4 : images - images / 4);
    fmt::print(stderr, "{}: {} images\n", type, tally.images);
    sum.images += tally.images;
    sum.torn += tally.torn;
    sum.lost += tally.lost;
  }
  fmt::print("images={} torn={} acknowledged_and_lost={}\n", sum.images, sum.torn, sum.lost);
  return sum.images >= images && sum.torn + sum.lost == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t images = 40;
  int files = 8;
  std::uint32_t seed = std::random_device()();
  bool blind = false;
  CLI::App app("Mounts what a disk may hold after a power cut: writes since its last flush in any order, or lost");
  app.add_option("--images", images, "How many")->check(CLI::Range(4, 1'000'000));
  app.add_option("--files", files, "Files in a version")->check(CLI::Range(2, 200));
  app.add_option("--seed", seed, "Of the dice; printed with what was found");
  app.add_flag("--blind-check", blind, "The same without any fsync: exit 0 only if that is seen");
  CLI11_PARSE(app, argc, argv);
  if (::geteuid() != 0) {
    fmt::print("SKIPPED blocks: it takes root to mount a file system\n");
    return skipped_exit_code;
  }
  try {
    const int code = run(images, files, seed, blind);
    if (code != 0) fmt::print(stderr, "with --seed {}\n", seed);
    return code;
  } catch (const NoGate& error) {
    fmt::print("SKIPPED blocks: {}\n", error.what());
    return skipped_exit_code;
  } catch (const NoDisk& error) {
    fmt::print("SKIPPED blocks: {}\n", error.what());
    return skipped_exit_code;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
