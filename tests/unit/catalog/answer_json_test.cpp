#include "catalog/postgres/answer_json.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace bundlesync::catalog::postgres {
namespace {

const std::string head =
    R"({"epoch": "e", "snapshot": "10:20:", "server_started": "2026-01-01T00:00:00Z", "schema_version": 1, "problems": ["trigger_missing x"]})";
const std::string digest(64, 'a');

std::string file(const std::string& sha256, const std::string& size = "4", const std::string& path = "\"a.md\"") {
  return R"({"path": )" + path + R"(, "storage_path": "t/v1.0.0/a.md", "sha256": )" + sha256 + R"(, "size": )" + size +
         R"(, "kind": "master_prompt", "locale": null, "role": null, "content_type": "text/markdown"})";
}
std::string version(const std::string& files, const std::string& manifest = "null") {
  return R"({"id": "v1", "semver": "1.0.0", "status": "stable", "manifest_sha256": )" + manifest +
         R"(, "signature": null, "problem": null, "files": [)" + files + "]}";
}
std::string document(const std::string& current, const std::string& previous = "null", const std::string& more = "") {
  return R"({"id": "t1", "name": "t", "enabled": true, "deleted": false, "generation": 3, "changed_xid": "812233",)" +
         more + R"("changed_at": "2026-01-01T00:00:00Z", "history": 12, "problem": null, "version": )" + current +
         R"(, "previous": )" + previous + "}";
}
std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

Result<plan::Answer> read(std::vector<std::optional<std::string>> documents, bool full = true) {
  std::vector<AnswerRow> rows = {AnswerRow{std::nullopt, head}};
  for (auto& text : documents) rows.push_back(AnswerRow{"t" + std::to_string(rows.size()), std::move(text)});
  return read_answer(rows, full);
}
plan::WantedTemplate read_one(const std::string& text) {
  auto answer = read({text});
  if (!answer) throw std::runtime_error(answer.error().text());
  return answer->templates.at(0);
}

TEST(AnswerJson, ReadsTheHead) {
  const auto answer = read({}, false).value();
  EXPECT_FALSE(answer.full);
  EXPECT_EQ(answer.epoch, "e");
  EXPECT_EQ(answer.snapshot, "10:20:");
  EXPECT_EQ(answer.server_started, "2026-01-01T00:00:00Z");
  EXPECT_EQ(answer.schema_version, 1);
  EXPECT_EQ(answer.problems, std::vector<std::string>{"trigger_missing x"});
  EXPECT_TRUE(answer.templates.empty());
}

TEST(AnswerJson, ReadsADocument) {
  const auto wanted = read_one(document(version(file(quoted(digest))), version("")));
  EXPECT_EQ(wanted.id, "t1");
  EXPECT_EQ(wanted.name, "t1");  // the row's
  EXPECT_TRUE(wanted.enabled);
  EXPECT_FALSE(wanted.deleted);
  EXPECT_EQ(wanted.generation, 3u);
  EXPECT_EQ(wanted.change, 812233u);
  EXPECT_EQ(wanted.history, 12u);
  EXPECT_EQ(wanted.problem, "");
  ASSERT_TRUE(wanted.current);
  EXPECT_EQ(wanted.current->version, "1.0.0");
  EXPECT_EQ(wanted.current->bundle.files.at(0).size, 4u);
  EXPECT_EQ(wanted.current->bundle.files.at(0).locale, "");
  EXPECT_EQ(wanted.current->manifest, bundle::manifest_digest(wanted.current->bundle.files));
  EXPECT_FALSE(wanted.current->recorded_manifest);
  ASSERT_TRUE(wanted.previous);
}

TEST(AnswerJson, LeavesOutWhatIsNull) {
  auto text = document("null");
  text.replace(text.find(R"("812233")"), 8, "null");
  text.replace(text.find("12,"), 3, "null,");
  const auto wanted = read_one(text);
  EXPECT_FALSE(wanted.change);
  EXPECT_FALSE(wanted.history);
  EXPECT_FALSE(wanted.current);
  EXPECT_FALSE(wanted.previous);
  EXPECT_EQ(wanted.problem, "");
}

TEST(AnswerJson, PassesOverKeysOfANewerSchema) {
  EXPECT_EQ(read_one(document(version(file(quoted(digest))), "null", R"("pinned": {"by": "x"},)")).problem, "");
}

TEST(AnswerJson, LowersTheCaseOfADigest) {
  const auto wanted = read_one(document(version(file(quoted(std::string(64, 'A'))), quoted(std::string(64, 'F')))));
  EXPECT_EQ(wanted.problem, "");
  EXPECT_EQ(wanted.current->bundle.files.at(0).sha256.hex(), digest);
  EXPECT_EQ(wanted.current->recorded_manifest->hex(), std::string(64, 'f'));
}

TEST(AnswerJson, AFileThatCannotBeReadIsAProblemOfItsTemplateAlone) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {file(quoted("abc")), "sha256_invalid"},
      {file("null"), "sha256_invalid"},
      {file("7"), "sha256_invalid"},
      {file(quoted(digest), "-1"), "size_invalid"},
      {file(quoted(digest), "1.5"), "size_invalid"},
      {file(quoted(digest), "\"4\""), "size_invalid"},
      {file(quoted(digest), "4", "null"), "document_invalid"},
      {"7", "document_invalid"},
      {"{}", "document_invalid"},
  };
  for (const auto& [text, problem] : cases) {
    const auto answer = read({document(version(text)), document(version(file(quoted(digest))))});
    ASSERT_TRUE(answer) << text;
    ASSERT_EQ(answer->templates.size(), 2u);
    EXPECT_EQ(answer->templates[0].problem, problem) << text;
    EXPECT_EQ(answer->templates[0].id, "t1") << text;
    EXPECT_EQ(answer->templates[0].generation, 3u) << text;
    EXPECT_EQ(answer->templates[1].problem, "") << text;
  }
}

TEST(AnswerJson, ADocumentThatIsNoneIsAProblemOfItsTemplateAlone) {
  for (const std::optional<std::string>& text :
       {std::optional<std::string>(), std::optional<std::string>("{"), std::optional<std::string>("[]"),
        std::optional<std::string>("{}"), std::optional<std::string>(R"({"id": "a", "id": "b"})")}) {
    const auto answer = read({text, document("null")});
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->templates.size(), 2u);
    EXPECT_EQ(answer->templates[0].name, "t1");
    EXPECT_EQ(answer->templates[0].problem, "document_invalid");
    EXPECT_EQ(answer->templates[1].problem, "");
  }
}

TEST(AnswerJson, TwoDocumentsWithoutAnIdAreNotOneTemplate) {
  const auto answer = read({std::nullopt, std::nullopt}).value();
  EXPECT_NE(answer.templates.at(0).id, answer.templates.at(1).id);
}

TEST(AnswerJson, APreviousVersionThatCannotBeReadIsLeftOut) {
  const auto wanted = read_one(document(version(file(quoted(digest))), version(file(quoted("abc")))));
  EXPECT_EQ(wanted.problem, "");
  EXPECT_TRUE(wanted.current);
  EXPECT_FALSE(wanted.previous);
}

TEST(AnswerJson, AChangeThatIsNoNumberIsAProblem) {
  auto text = document("null");
  text.replace(text.find("812233"), 6, "8122x3");
  EXPECT_EQ(read_one(text).problem, "document_invalid");
}

TEST(AnswerJson, WorksWithOneSchemaVersionOlderAndNewer) {
  for (const auto& [number, good] :
       {std::pair("0", true), {"1", true}, {"2", true}, {"3", false}, {"99999999", false}}) {
    auto text = head;
    text.replace(text.find("\"schema_version\": 1"), 19, "\"schema_version\": " + std::string(number));
    const auto answer = read_answer({AnswerRow{std::nullopt, text}}, true);
    EXPECT_EQ(answer.has_value(), good) << number;
    if (!good) {
      EXPECT_EQ(answer.error().text(),
                "the database has schema version " + std::string(number) +
                    ", this build works with 0 to 2; what is shown stays\nhint: update bundlesync "
                    "here");
      EXPECT_EQ(answer.error().kind(), ErrorKind::usage);
    }
  }
}

TEST(AnswerJson, RefusesAnAnswerWithoutItsHead) {
  EXPECT_EQ(read_answer({}, true).error().text(),
            "bundlesync.desired() gave no first row\nhint: run bundlesync migrate --status");
  EXPECT_EQ(read_answer({AnswerRow{"t", document("null")}}, true).error().text(),
            "bundlesync.desired() gave no first row\nhint: run bundlesync migrate --status");
  const auto bare = read_answer({AnswerRow{std::nullopt, R"({"schema_version": 1})"}}, true);
  EXPECT_EQ(bare.error().fact(), "the first row of bundlesync.desired() lacks its epoch, snapshot or server_started");
  EXPECT_EQ(bare.error().kind(), ErrorKind::failed);
}

}  // namespace
}  // namespace bundlesync::catalog::postgres
