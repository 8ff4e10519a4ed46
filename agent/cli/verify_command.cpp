#include "cli/damage.hpp"
#include "cli/output.hpp"
#include "cli/reading.hpp"
#include "cli/verbs.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

namespace bundlesync::cli {
namespace {

/// What one tree should hold, and what shows it.
struct Expected {
  Digest manifest;
  bool live = false;
  bool from_state = false;  ///< as the agent remembers it; else only as the view says
};

struct TreeVerdict {
  plan::TreeId tree;
  bool live = false;
  std::uint64_t files = 0;
  std::vector<Damage> damages;
};

using ExpectedMap = std::map<plan::TreeId, Expected>;

Result<ExpectedMap> expectations(const ReadTarget& from, const Streams& streams) {
  ExpectedMap expected;
  for (const auto& [name, shown] : from.view.templates) expected[shown.tree] = Expected{shown.manifest, true, false};
  auto state = from.state->load();
  if (!state && state.error().kind() == ErrorKind::unauthorised) {
    print_note(streams, "this user may not read the agent's state: trees are compared with what the view says of them");
    return expected;
  }
  if (!state) return fail(state.error());
  for (const auto& [tree, manifest] : state->trees) {
    Expected& of = expected[tree];
    of.manifest = manifest;
    of.from_state = true;
  }
  return expected;
}

TreeVerdict judge(ReadTarget& from, const plan::TreeId& tree, const Expected& expected,
                  const std::vector<disk::TreeInfo>& trees) {
  TreeVerdict verdict;
  verdict.tree = tree;
  verdict.live = expected.live;
  const auto good = from.trees->verify(tree, expected.manifest);
  if (good) {
    verdict.files = good->bundle.files.size();
    return verdict;
  }
  // Its own word on its files is worth something only while it adds up to what was accepted.
  const auto own = std::ranges::find(trees, tree, &disk::TreeInfo::id);
  if (own != trees.end() && own->manifest == expected.manifest) {
    verdict.files = own->bundle.files.size();
    verdict.damages = damages(from.tree_path(tree), own->bundle);
  }
  if (verdict.damages.empty()) {
    verdict.damages.push_back(Damage{"", good.error().reason(), good.error().fact()});
  }
  return verdict;
}

void print_verdicts(const Context& context, const std::vector<TreeVerdict>& verdicts) {
  std::uint64_t files = 0;
  std::uint64_t damaged = 0;
  for (const auto& verdict : verdicts) {
    files += verdict.files;
    damaged += verdict.damages.empty() ? 0U : 1U;
    const std::string tree = verdict.tree.template_name + "/" + verdict.tree.name;
    for (const auto& damage : verdict.damages) {
      context.out() << "damaged " << (verdict.live ? "live " : "kept ") << shown(tree) << ": "
                    << (damage.path.empty() ? "" : shown(damage.path) + " ") << shown(damage.text) << " ("
                    << shown(damage.reason) << ")\n";
    }
  }
  const std::string trees = counted(verdicts.size(), "tree", "trees");
  context.out() << fmt::format("verified {}, {}: {}\n", trees, counted(files, "file", "files"),
                               damaged == 0 ? "all good" : counted(damaged, "tree", "trees") + " damaged");
}

void print_document(const Context& context, const std::vector<TreeVerdict>& verdicts, bool good) {
  boost::json::object object = document();
  object["good"] = good;
  boost::json::array& trees = object["trees"].emplace_array();
  for (const auto& verdict : verdicts) {
    boost::json::object tree;
    tree["template"] = verdict.tree.template_name;
    tree["tree"] = verdict.tree.name;
    tree["live"] = verdict.live;
    tree["files"] = verdict.files;
    boost::json::array& rows = tree["damages"].emplace_array();
    for (const auto& damage : verdict.damages) {
      rows.push_back({{"path", text_or_null(damage.path)}, {"reason", damage.reason}, {"text", damage.text}});
    }
    trees.push_back(std::move(tree));
  }
  print_json(context.out(), object);
}

}  // namespace

Result<ExitCode> verify(const Context& context) {
  auto settings = context.settings_with_target();
  if (!settings) return fail(settings.error());
  auto target = read_target(settings->target);
  if (!target) return fail(target.error());
  auto expected = expectations(**target, context.streams);
  if (!expected) return fail(expected.error());
  auto trees = (*target)->trees->list();
  if (!trees) return fail(trees.error());

  std::vector<TreeVerdict> verdicts;
  Progress progress(context.streams);
  for (const auto& [tree, of] : *expected) {
    progress.show(verdicts.size(), expected->size(), tree.template_name + "/" + tree.name);
    verdicts.push_back(judge(**target, tree, of, *trees));
  }
  progress.clear();
  const bool good = std::ranges::all_of(verdicts, [](const TreeVerdict& verdict) { return verdict.damages.empty(); });
  context.json ? print_document(context, verdicts, good) : print_verdicts(context, verdicts);
  return good ? ExitCode::done : ExitCode::differences;
}

}  // namespace bundlesync::cli
