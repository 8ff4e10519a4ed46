// Every file-system call of the agent goes wrong once: it is killed before and after it, and the call fails. See
// tests/torture.
#include "rigs/gate.hpp"
#include "rigs/versions.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace bundlesync::rigs;
namespace tests = bundlesync::tests;
namespace fs = std::filesystem;
using Kind = Fault::Kind;

/// The version that nobody published: a live file was written to.
constexpr std::string_view kDamaged = "damaged";

/// One story of one agent: from a state of the disk to what its catalog wants.
struct Scenario {
  std::string name;
  fs::path before;     ///< the target as it lies there; empty: an empty directory
  std::string shown;   ///< what it shows before; "" nothing
  std::string wanted;  ///< what it shows in the end
  std::string moment;  ///< of the catalog
  tests::Environment environment;

  /// Where what somebody else wrote cannot be replaced within some seconds, apps read nothing rather than that
  /// (plan/observed.hpp, start_grace_over).
  bool may_show_nothing() const { return shown == kDamaged; }
};

struct Named {
  const char* name;
  int error;
};
constexpr std::array kErrors = {Named{"EIO", EIO},     Named{"ENOSPC", ENOSPC}, Named{"EDQUOT", EDQUOT},
                                Named{"EROFS", EROFS}, Named{"EMFILE", EMFILE}, Named{"EACCES", EACCES}};

/// What came of it, in numbers that add up over workers.
struct Tally {
  std::uint64_t kills = 0, errors = 0, not_reached = 0;
  std::uint64_t torn = 0, wrong_acknowledgements = 0, failed_reruns = 0, stuck = 0, extra_stages = 0;

  static constexpr std::array members = {
      &Tally::kills,         &Tally::errors, &Tally::not_reached, &Tally::torn, &Tally::wrong_acknowledgements,
      &Tally::failed_reruns, &Tally::stuck,  &Tally::extra_stages};
  std::uint64_t bad() const { return torn + wrong_acknowledgements + failed_reruns + stuck + extra_stages; }
};

class Sweep {
 public:
  Sweep(Versions& versions, fs::path target, std::chrono::seconds patience)
      : versions_(versions), target_(std::move(target)), patience_(patience) {}

  /// Runs one fault and looks at what it left, then runs the agent again without one.
  void run(const Scenario& scenario, const Fault& fault, const std::string& name) {
    what_ = fmt::format("{} {} at call {}", scenario.name, name, fault.at);
    lay_out(scenario);
    tests::Command command = versions_.once(target_, scenario.moment, scenario.environment);
    const bool kills = fault.kind == Kind::kill_before || fault.kind == Kind::kill_after;
    if (!kills) command.words.back() = "1s";  // an error that lasts is not waited out
    const GatedRun run = run_gated(command, target_, fault, patience_);
    what_ += " (" + run.call + ")";
    if (!run.fired) {
      ++tally_.not_reached;
    } else {
      ++(kills ? tally_.kills : tally_.errors);
    }
    if (run.stuck) bad(tally_.stuck, "it did not end: " + run.err);
    look(scenario, run);
    if (fault.kind == Kind::error_lasting && stages_below(target_) > 1) {
      bad(tally_.extra_stages, fmt::format("{} stages are left", stages_below(target_)));
    }
    run_again(scenario);
  }

  /// How many calls there are to go wrong.
  std::uint64_t calls(const Scenario& scenario) {
    what_ = scenario.name + " without a fault";
    lay_out(scenario);
    const GatedRun run =
        run_gated(versions_.once(target_, scenario.moment, scenario.environment), target_, Fault(), patience_);
    if (run.code != 0) throw std::runtime_error(what_ + " ended with " + std::to_string(run.code) + ": " + run.err);
    look(scenario, run);
    return run.calls;
  }
  const Tally& tally() const { return tally_; }

 private:
  void lay_out(const Scenario& scenario) const {
    if (!scenario.before.empty()) return copy_tree(scenario.before, target_);
    tests::remove_tree(target_);
    fs::create_directory(target_);
  }

  void look(const Scenario& scenario, const GatedRun& run) {
    tests::Reader reader(target_, versions_.oracle());
    const tests::Look seen = reader.look("alpha");
    const bool known = seen.version == scenario.shown || seen.version == scenario.wanted ||
                       (scenario.may_show_nothing() && seen.version.empty());
    if (seen.torn || !known)
      return bad(tally_.torn, "apps read " + (seen.torn ? "a mixture" : "'" + seen.version + "'"));
    const bool said = run.err.find(scenario.shown.empty() ? "alpha=-→" + scenario.wanted : "→" + scenario.wanted) !=
                      std::string::npos;
    if ((run.code == 0 || said) && seen.version != scenario.wanted) {
      bad(tally_.wrong_acknowledgements, "it said that it was done, and apps read '" + seen.version + "'");
    }
  }

  void run_again(const Scenario& scenario) {
    const auto ended = tests::run(versions_.once(target_, scenario.moment, scenario.environment));
    tests::Reader reader(target_, versions_.oracle());
    const tests::Look seen = reader.look("alpha");
    if (ended.code != 0 || seen.torn || seen.version != scenario.wanted || stages_below(target_) != 0) {
      bad(tally_.failed_reruns, fmt::format("run again it ended with {}, apps read '{}', {} stages are left: {}",
                                            ended.code, seen.version, stages_below(target_), ended.err));
    }
  }

  void bad(std::uint64_t& count, const std::string& why) {
    ++count;
    fmt::print(stderr, "FAILED {}: {}\n", what_, why);
  }

  Versions& versions_;
  const fs::path target_;
  const std::chrono::seconds patience_;
  std::string what_;
  Tally tally_;
};

/// The states of a disk that stories begin with, and the stories.
class Stories {
 public:
  explicit Stories(Versions& versions) : versions_(versions) {
    versions.publish("1.0.0");
    const std::string first = versions.moment();
    versions.publish("1.1.0");
    const std::string upgrade = versions.moment();
    versions.move("1.0.0");
    const std::string rollback = versions.moment();
    versions.publish("1.2.0");
    const std::string third = versions.moment();

    const fs::path shows_first = state("shows-1.0.0", {}, first);
    const fs::path shows_second = state("shows-1.1.0", shows_first, upgrade);
    all.push_back({"first", {}, "", "1.0.0", first, {}});
    all.push_back({"upgrade", shows_first, "1.0.0", "1.1.0", upgrade, {}});
    all.push_back({"rollback", shows_second, "1.1.0", "1.0.0", rollback, {}});
    all.push_back({"repair", damaged(shows_second), std::string(kDamaged), "1.1.0", upgrade, {}});
    all.push_back(
        {"collect",
         shows_second,
         "1.1.0",
         "1.2.0",
         third,
         {{"BUNDLESYNC_RETENTION_AGE", "0s"}, {"BUNDLESYNC_RETENTION_COUNT", "0"}, {"BUNDLESYNC_CACHE_TTL", "0s"}}});
    for (const double part : {0.3, 0.6, 0.75, 0.9, 0.97}) all.push_back(interrupted(all[1], part));
  }

  std::vector<Scenario> all;

 private:
  fs::path state(const std::string& name, const fs::path& before, const std::string& moment) {
    const fs::path target = versions_.home() / name;
    if (before.empty()) {
      fs::create_directory(target);
    } else {
      copy_tree(before, target);
    }
    versions_.converge(target, moment);
    return target;
  }

  /// One byte of a live file is another.
  fs::path damaged(const fs::path& good) {
    const fs::path target = versions_.home() / kDamaged;
    copy_tree(good, target);
    const fs::path file = fs::canonical(target / "alpha" / "shared.md");
    tests::Files files = versions_.files_of("1.1.0");
    files["shared.md"][0] ^= 1;
    fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
    std::ofstream(file, std::ios::binary) << files["shared.md"];
    versions_.oracle().add("alpha", std::string(kDamaged), files);
    return target;
  }

  /// What a death in the middle left, so that recovery itself can be hit.
  Scenario interrupted(const Scenario& whole, double part) {
    const fs::path target = versions_.home() / fmt::format("interrupted-{:02.0f}", part * 100);
    copy_tree(whole.before, target);
    const auto calls = run_gated(versions_.once(target, whole.moment), target, Fault(), std::chrono::seconds(30)).calls;
    copy_tree(whole.before, target);
    const Fault fault{Kind::kill_before, static_cast<std::uint64_t>(static_cast<double>(calls) * part), 0};
    (void)run_gated(versions_.once(target, whole.moment), target, fault, std::chrono::seconds(30));
    Scenario scenario = whole;
    scenario.name = fmt::format("recovery-{:02.0f}", part * 100);
    scenario.before = target;
    return scenario;
  }

  Versions& versions_;
};

struct Options {
  std::uint64_t every = 1;
  int workers = 4;
  int files = 12;
  int patience = 30;
  std::string only;
  bool kills = true;
  bool errors = true;
};

/// One worker's share of the faults: a process with one thread, whose children are its own.
Tally work(Versions& versions, const Stories& stories, const Options& options, int worker) {
  const tests::TempDir home(quick_directory());
  Sweep sweep(versions, home / "prompts", std::chrono::seconds(options.patience));
  const auto workers = static_cast<std::uint64_t>(options.workers);
  std::uint64_t turn = 0;
  const auto mine = [&] {
    const std::uint64_t number = turn++;
    return number % options.every == 0 && (number / options.every) % workers == static_cast<std::uint64_t>(worker);
  };
  for (const auto& scenario : stories.all) {
    if (!options.only.empty() && scenario.name != options.only) continue;
    const std::uint64_t calls = sweep.calls(scenario);
    for (std::uint64_t at = 1; options.kills && at <= calls; ++at) {
      if (mine()) sweep.run(scenario, {Kind::kill_before, at, 0}, "killed before");
      if (mine()) sweep.run(scenario, {Kind::kill_after, at, 0}, "killed after");
    }
    if (!options.errors || scenario.name.starts_with("recovery")) continue;
    for (const auto& [name, error] : kErrors) {
      for (std::uint64_t at = 1; at <= calls; ++at) {
        if (mine()) sweep.run(scenario, {Kind::error_once, at, error}, fmt::format("{} once", name));
        if (mine()) sweep.run(scenario, {Kind::error_lasting, at, error}, fmt::format("{} from then on", name));
      }
    }
  }
  return sweep.tally();
}

/// Starts the workers, and adds up what they found.
Tally share_out(Versions& versions, const Stories& stories, const Options& options) {
  std::vector<std::pair<pid_t, int>> workers;
  for (int worker = 0; worker < options.workers; ++worker) {
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) throw std::runtime_error("pipe");
    const pid_t pid = ::fork();
    if (pid == 0) {
      int code = 1;
      try {
        const Tally tally = work(versions, stories, options, worker);
        std::string line;
        for (const auto member : Tally::members) line += std::to_string(tally.*member) + " ";
        code = ::write(pipe[1], line.data(), line.size()) < 0 ? 1 : 0;
      } catch (const std::exception& error) {
        fmt::print(stderr, "FAILED {}\n", error.what());
      }
      std::fflush(nullptr);
      ::_exit(code);
    }
    ::close(pipe[1]);
    workers.emplace_back(pid, pipe[0]);
  }
  Tally sum;
  for (const auto& [pid, result] : workers) {
    std::string text(4096, '\0');
    const ssize_t size = ::read(result, text.data(), text.size());
    ::close(result);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (size <= 0 || status != 0) throw std::runtime_error("a worker ended before its work");
    std::istringstream numbers(text.substr(0, static_cast<std::size_t>(size)));
    for (const auto member : Tally::members) {
      std::uint64_t number = 0;
      numbers >> number;
      sum.*member += number;
    }
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Kills the agent at each of its file-system calls, and lets each fail");
  app.add_option("--every", options.every, "Only every Nth fault")->check(CLI::PositiveNumber);
  app.add_option("--workers", options.workers, "Faults at the same time")->check(CLI::Range(1, 32));
  app.add_option("--files", options.files, "Files in a version")->check(CLI::Range(2, 200));
  app.add_option("--patience", options.patience, "Seconds after which a run that has not ended is stuck")
      ->check(CLI::PositiveNumber);
  app.add_option("--only", options.only, "One story: first, upgrade, rollback, repair, collect, recovery-NN");
  app.add_flag("!--no-kills", options.kills, "No kills");
  app.add_flag("!--no-errors", options.errors, "No errors");
  CLI11_PARSE(app, argc, argv);
  try {
    Versions versions(options.files);
    const Stories stories(versions);
    const Tally tally = share_out(versions, stories, options);
    fmt::print(
        "kills={} errors={} not_reached={} torn={} wrong_acknowledgements={} failed_reruns={} stuck={} "
        "extra_stages={}\n",
        tally.kills, tally.errors, tally.not_reached, tally.torn, tally.wrong_acknowledgements, tally.failed_reruns,
        tally.stuck, tally.extra_stages);
    return tally.bad() == 0 && tally.kills + tally.errors > 0 ? 0 : 1;
  } catch (const NoGate& error) {
    fmt::print("SKIPPED syscalls: {}\n", error.what());
    return skipped_exit_code;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
