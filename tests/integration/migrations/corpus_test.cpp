#include "bundle/lint.hpp"
#include "database.hpp"
#include "plan/plan.hpp"
#include "support/name_corpus.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>

// Bad names and bad manifests, each judged by publisher, agent and database: one verdict and one reason.
namespace bundlesync::tests {
namespace {

namespace bj = boost::json;

/// Every ASCII byte and some characters beyond, where a name may begin, in its middle and where it may end; what
/// programs and people try besides.
std::vector<std::string> many_names() {
  std::vector<std::string> characters;
  for (char c = 1; c < 127; ++c) characters.emplace_back(1, c);
  for (const auto* c : {"\x7f", "\u00a0", "\u00e9", "\u0301", "\u200b", "\u202e", "\u2028", "\u2044", "\uff0e",
                        "\uff0f", "\uff41", "\ufeff", "\ufffd", "\U0001f600", "\U000e0001"}) {
    characters.emplace_back(c);
  }
  std::set<std::string> names;
  for (const auto& c : characters) {
    for (const auto& name : {c, c + "a", "a" + c + "a", "a" + c, "a/" + c + "/a", "a/a" + c + "/a"}) names.insert(name);
  }
  for (const std::string name : {"....//a",
                                 "..././a",
                                 "%2e%2e/a",
                                 "..%2fa",
                                 "..\\a",
                                 "C:\\a",
                                 "\\\\host\\a",
                                 "//host/a",
                                 "file:///a",
                                 "~/a",
                                 "$(a)",
                                 "`a`",
                                 "a;b",
                                 "a|b",
                                 "a&b",
                                 "a'b",
                                 "a\"b",
                                 "a*b",
                                 "a?b",
                                 "a[b]",
                                 "{a}",
                                 "a<b",
                                 "a>b",
                                 "#a",
                                 "!a",
                                 "a/../../../../etc/passwd",
                                 "./a",
                                 "a/.",
                                 "a/..",
                                 "a/...",
                                 ".a/b",
                                 "a/.b",
                                 "a/b.",
                                 "a./b",
                                 "a /b",
                                 "a/ b",
                                 "con",
                                 "nul.txt",
                                 "aux",
                                 "COM1",
                                 "a.lnk",
                                 "-",
                                 "--",
                                 "-rf",
                                 "a/-rf",
                                 "@",
                                 "+",
                                 "=",
                                 ",",
                                 "(",
                                 ")",
                                 "..data",
                                 "..bundlesync",
                                 ".bundle.json",
                                 "manifest.json",
                                 "a//b",
                                 "///",
                                 "a///",
                                 "/a/",
                                 " ",
                                 "  ",
                                 "a  b",
                                 ". ",
                                 " .",
                                 "a. b",
                                 "_",
                                 "__a"}) {
    names.insert(name);
  }
  for (const std::size_t length : {99U, 100U, 101U, 199U, 200U, 201U, 5000U}) {
    names.insert(std::string(length, 'a'));
    std::string deep;
    while (deep.size() + 2 <= length) deep += "a/";
    names.insert(deep + "a");
    names.insert(std::string(length / 2, 'a') + "/" + std::string(length - length / 2 - 1, 'b'));
  }
  for (const auto& [name, code] : path_corpus()) names.insert(name);
  for (const auto& [name, code] : name_corpus()) names.insert(name);
  return {names.begin(), names.end()};
}

/// What a function of the database says of each.
std::vector<std::string> of_database(Database& database, const std::string& function,
                                     const std::vector<std::string>& names) {
  bj::array list;
  for (const auto& name : names) list.emplace_back(name);
  const auto rows = value_of(database.session().exec(
      fmt::format(
          "select bundlesync.{}(value) from jsonb_array_elements_text($1::jsonb) with ordinality order by ordinality",
          function),
      {bj::serialize(list)}));
  std::vector<std::string> verdicts;
  for (std::size_t row = 0; row < rows.size(); ++row) verdicts.emplace_back(rows.value(row, 0).value_or(""));
  return verdicts;
}

bundle::File file(const std::string& path) {
  bundle::File result;
  result.path = path;
  result.sha256 = Digest::of(path);
  result.size = 1;
  result.kind = "text";
  return result;
}

/// The agent's reason for refusing a version with these files.
std::string of_agent(const std::string& name, const std::vector<std::string>& paths) {
  plan::WantedVersion version;
  version.version = "1.0.0";
  version.bundle.template_name = name;
  version.bundle.version = "1.0.0";
  for (const auto& path : paths) version.bundle.files.push_back(file(path));
  std::ranges::sort(version.bundle.files, {}, &bundle::File::path);
  version.manifest = bundle::manifest_digest(version.bundle.files);
  const auto refusal = plan::refusal_of(version, plan::Policy());
  return refusal ? refusal->reason : "";
}

/// The publisher's reasons for not publishing a directory with these files.
std::set<std::string> of_publisher(const std::string& name, const std::vector<std::string>& paths) {
  bundle::ManifestFile manifest;
  manifest.template_name = name;
  manifest.version = "1.0.0";
  std::vector<bundle::FoundFile> found;
  for (const auto& path : paths) {
    auto& artifact = manifest.artifacts.emplace_back();
    artifact.kind = "text";
    artifact.path = path;
    found.push_back({path, 1, Digest::of(path)});
  }
  std::set<std::string> reasons;
  for (const auto& problem : bundle::lint(manifest, found)) {
    if (problem.severity == bundle::LintProblem::Severity::error) reasons.insert(problem.reason);
  }
  return reasons;
}

void expect_agreed(const std::string& what, const std::string& database, const std::string& agent,
                   const std::set<std::string>& publisher) {
  EXPECT_EQ(agent, database) << what;
  if (database.empty()) {
    EXPECT_TRUE(publisher.empty()) << what << ": " << *publisher.begin();
  } else {
    EXPECT_TRUE(publisher.contains(database)) << what << ": " << (publisher.empty() ? "published" : *publisher.begin());
  }
}

TEST(Corpus, OfNamesHasOneVerdictInPublisherAgentAndDatabase) {
  Database database;
  const auto names = many_names();
  const auto paths = of_database(database, "path_problem", names);
  const auto templates = of_database(database, "name_problem", names);
  ASSERT_EQ(paths.size(), names.size());
  int bad_paths = 0;
  int bad_names = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    expect_agreed("path '" + names[i] + "'", paths[i], of_agent("t", {names[i]}), of_publisher("t", {names[i]}));
    bad_paths += !paths[i].empty();
    // A template without a name is one whose name the publisher does not know.
    if (names[i].empty()) continue;
    expect_agreed("name '" + names[i] + "'", templates[i], of_agent(names[i], {"a.md"}),
                  of_publisher(names[i], {"a.md"}));
    bad_names += !templates[i].empty();
  }
  EXPECT_GE(bad_paths, 300);
  EXPECT_GE(bad_names, 300);
  EXPECT_GE(static_cast<int>(names.size()) - bad_paths, 50);
  fmt::print("bad_paths={} bad_template_names={} good_paths={} good_template_names={}\n", bad_paths, bad_names,
             static_cast<int>(names.size()) - bad_paths, static_cast<int>(names.size()) - bad_names);
}

/// Good manifests, and what can be wrong with each: a bad name among good ones, a file twice, one that is another's in
/// capitals, one beneath another.
std::vector<std::vector<std::string>> many_manifests() {
  const std::vector<std::vector<std::string>> bases = {{"a.md"},
                                                       {"a.md", "b.md"},
                                                       {"a/b.md", "a/c.md", "a-b.md"},
                                                       {"prompts/system.fr.md", "prompts/system.en.md", "master.md"},
                                                       {"a/b/c/d/e/f/g/h", "a/b/c/d/e/f/g/i", "b"},
                                                       {"x", "x-y", "x.y", "xy", "x y"}};
  std::vector<std::vector<std::string>> all(bases);
  const auto with = [&all](std::vector<std::string> base, const std::string& path, bool first) {
    base.insert(first ? base.begin() : base.end(), path);
    all.push_back(std::move(base));
  };
  for (const auto& base : bases) {
    for (const auto& [path, code] : path_corpus()) {
      if (code.empty() && std::ranges::find(base, path) != base.end()) continue;
      with(base, path, path.size() % 2 == 0);
    }
    for (const auto& path : base) {
      std::string capitals = path;
      std::ranges::transform(capitals, capitals.begin(),
                             [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
      with(base, path, true);
      with(base, capitals, false);
      with(base, path + "/under", false);
      with(base, capitals + "/under", true);
      for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        with(base, path.substr(0, slash), true);
      }
    }
  }
  return all;
}

TEST(Corpus, OfManifestsHasOneVerdictInPublisherAgentAndDatabase) {
  Database database;
  database.add_template(1, "t");
  const auto manifests = many_manifests();
  bj::array versions;
  bj::array artifacts;
  for (std::size_t i = 0; i < manifests.size(); ++i) {
    const std::string semver = fmt::format("1.0.{}", i);
    versions.push_back(bj::object{{"id", uuid(static_cast<int>(1000 + i))}, {"semver", semver}});
    for (const auto& path : manifests[i]) {
      artifacts.push_back(bj::object{{"version", uuid(static_cast<int>(1000 + i))},
                                     {"path", fmt::format("t/v{}/{}", semver, path)},
                                     {"sha256", Digest::of(path).hex()}});
    }
  }
  // Past the guards, which judge row by row: here the whole is judged.
  (void)value_of(database.session().exec("set session_replication_role = replica"));
  (void)value_of(database.session().exec(
      fmt::format("insert into public.template_versions (id, template_id, semver, status) select v.id, '{}', v.semver, "
                  "'stable' from jsonb_to_recordset($1::jsonb) as v (id uuid, semver text)",
                  uuid(1)),
      {bj::serialize(versions)}));
  (void)value_of(database.session().exec(
      "insert into public.artifacts (template_version_id, kind, storage_path, sha256, size_bytes, content_type) select "
      "a.version, 'text', a.path, a.sha256, 1, 'text/plain' from jsonb_to_recordset($1::jsonb) as a (version uuid, "
      "path "
      "text, sha256 text)",
      {bj::serialize(artifacts)}));
  (void)value_of(database.session().exec("set session_replication_role = origin"));
  const auto rows = value_of(database.session().exec(
      "select (select b.reason from bundlesync.bundle_problem(v.id) b) from public.template_versions v order by v.id"));
  ASSERT_EQ(rows.size(), manifests.size());

  int bad = 0;
  std::map<std::string, int> reasons;
  for (std::size_t i = 0; i < manifests.size(); ++i) {
    const std::string verdict = rows.value(i, 0).value_or("");
    std::string what;
    for (const auto& path : manifests[i]) what += "'" + path + "' ";
    expect_agreed(what, verdict, of_agent("t", manifests[i]), of_publisher("t", manifests[i]));
    bad += !verdict.empty();
    ++reasons[verdict];
  }
  EXPECT_GE(bad, 200);
  EXPECT_GE(static_cast<int>(manifests.size()) - bad, 50);
  for (const auto* each : {"path_twice", "path_case_twin", "path_under_file", "path_dotdot", "path_too_deep"}) {
    EXPECT_GT(reasons[each], 0) << each;
  }
  fmt::print("bad_manifests={} good_manifests={} reasons={}\n", bad, static_cast<int>(manifests.size()) - bad,
             reasons.size() - 1);
}

}  // namespace
}  // namespace bundlesync::tests
