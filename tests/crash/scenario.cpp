#include "crash/scenario.hpp"

#include "fakes/faulty_files.hpp"

#include <gtest/gtest.h>

namespace bundlesync::testing {
namespace fs = std::filesystem;

std::vector<Scenario> scenarios() {
  const Goods intake1 = make_goods("intake", "1.0.0");
  const Goods section1 = make_goods("section7", "1.0.0");
  const Goods section2 = make_goods("section7", "1.1.0");
  std::vector<Scenario> all;
  all.push_back({"FirstView", {}, false, want({section1, intake1}), false});
  all.push_back({"Upgrade", {want({section1, intake1})}, false, want({section2, intake1}), false});
  all.push_back({"Rollback", {want({section1}), want({section2})}, false, want({section1}), false});
  all.push_back({"Repair", {want({section1, intake1})}, true, want({section1, intake1}), false});
  all.push_back({"Drop", {want({section1, intake1})}, false, want({section1}), false});
  all.push_back({"Collect", {want({section1, intake1}), want({section2, intake1})}, false, want({section2}), true});
  return all;
}

Ready::Ready(const Scenario& scenario) {
  const fs::path& target = dir_.path();
  disk::RealFiles real;
  FaultyFiles files(real);  // no faults: only quicker, without fsync
  for (const auto& wanted : scenario.before) {
    auto machine = Machine::start(files, target);
    EXPECT_TRUE(machine) << machine.error().text();
    auto shown = (*machine)->converge(wanted);
    EXPECT_TRUE(shown) << shown.error().text();
  }
  if (!scenario.damaged) return;
  const fs::path file = fs::canonical(target / "section7/master.md");
  fs::permissions(file, fs::perms::owner_all);
  write_text(file, "somebody was here\n");
}

void Ready::copy_to(const fs::path& target) const {
  copy_dir(dir_.path(), target);
}

Result<void> act(const Scenario& scenario, disk::Files& files, const fs::path& target) {
  auto machine = Machine::start(files, target);
  if (!machine) return fail(std::move(machine.error()));
  if (auto shown = (*machine)->converge(scenario.wanted); !shown) return shown;
  return scenario.collect ? (*machine)->collect() : Result<void>();
}

std::vector<Wanted> allowed(const Scenario& scenario) {
  std::vector<Wanted> all{scenario.wanted};
  if (!scenario.before.empty() && !scenario.damaged) all.push_back(scenario.last());
  return all;
}

}  // namespace bundlesync::testing
