#include "bundle/content.hpp"

#include "bundle/placeholders.hpp"
#include "bundle/secrets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bundlesync::bundle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Severity = LintProblem::Severity;
using Names = std::set<std::string>;

// Put together here, so that no scanner takes this file for a leak.
const std::string digits = "0123456789";
const std::string aws = "AKIA" + std::string("Q3EGRZ5EXWLT7N2M");
const std::string github = "ghp_" + std::string("aB3") + digits + digits + digits + "xyz";
const std::string openai = "sk-proj-" + std::string("aB3dE5gH7") + digits + digits + "_-Z";
const std::string supabase = "sb_secret_" + std::string("N7UND0UgjKTVK-Uodkm0Hg");
const std::string jwt = "eyJ" + std::string("hbGciOiJIUzI1NiJ9.eyJ") + "yb2xlIjoiYW5vbiJ9.0123456789abcdefghij0123";

std::vector<std::size_t> lines_of(const std::string& text) {
  std::vector<std::size_t> lines;
  for (const auto& secret : likely_secrets(text)) lines.push_back(secret.line);
  return lines;
}

TEST(LikelySecrets, KnowsTheShapesOfTheWellKnownOnes) {
  for (const auto& secret :
       {aws, github, openai, supabase, jwt, "glpat-" + digits + digits, "xoxb-" + digits + digits + digits,
        "sk_" + ("live_" + digits) + digits, "AIza" + std::string("SyA0123456789abcdefghijklmnopqrstuv")}) {
    EXPECT_THAT(lines_of(secret), ElementsAre(1)) << secret;
    EXPECT_THAT(lines_of("key:\n\"" + secret + "\"\n"), ElementsAre(2)) << secret;
    EXPECT_THAT(lines_of("x" + secret), IsEmpty()) << secret;
  }
  EXPECT_THAT(lines_of("-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA0123456789abcdefghijklmnop\n"),
              ElementsAre(1));
  EXPECT_THAT(lines_of("\n-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n"), ElementsAre(2));
}

TEST(LikelySecrets, LetsProseAndWordsPass) {
  for (const char* text :
       {"Never print keys that begin with AKIA, ghp_, sk- or sb_secret_.", "AKIAIOSFODNN7EXAMPLE", "AKIA0123",
        "sk-a-rather-long-class-name-in-kebab-case-for-sure", "task-0123456789abcdefABCDEF0123456789abcdef",
        "the header eyJhbGciOiJIUzI1NiJ9 alone", "eyJhbGciOiJI.eyJh.short", "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n", "sb_publishable_N7UND0UgjKTVK-Uodkm0Hg"}) {
    EXPECT_THAT(lines_of(text), IsEmpty()) << text;
  }
}

TEST(LikelySecrets, CountsOneKindOnceAndNamesItsFirstLine) {
  const auto found = likely_secrets("\n" + github + "\n" + aws + "\n" + github + "\n");
  EXPECT_THAT(found, ElementsAre(LikelySecret{"a GitHub token", "ghp_", 2, 2},
                                 LikelySecret{"an AWS access key", "AKIA", 3, 1}));
}

TEST(Placeholders, AreTheNamesInDoubleBraces) {
  EXPECT_EQ(placeholders("Dear {{name}}, {{ user.first-name }} {{{raw}}} {{&also}} {{#list}}x{{/list}} {{^none}}"),
            (Names{"name", "user.first-name", "raw", "also", "list", "none"}));
  EXPECT_EQ(placeholders("{name} {{}} {{ }} {{1st}} {{a b}} {{#if x}} {{/end}} {{> partial}} {{a\nb}} {{open"),
            Names());
  EXPECT_EQ(placeholders("{{" + std::string(101, 'a') + "}}"), Names());
}

ManifestEntry entry(std::string path, std::string kind, std::string locale, std::string type = "") {
  ManifestEntry made;
  made.path = std::move(path);
  made.kind = std::move(kind);
  made.locale = std::move(locale);
  made.content_type = std::move(type);
  return made;
}

LintProblem problem(Severity severity, std::string reason, std::string path, std::string text, std::string hint) {
  return LintProblem{severity, std::move(reason), std::move(path), std::move(text), std::move(hint)};
}

TEST(LintContents, SaysWhichTextIsNoUtf8AndWhichHasAMark) {
  ManifestFile manifest;
  manifest.artifacts = {entry("a.md", "a", ""), entry("b.json", "b", ""), entry("c.bin", "c", ""),
                        entry("d.txt", "d", "", "application/octet-stream")};
  const auto problems = lint_contents(
      manifest,
      {{"a.md", "ok\ncaf\xe9\n"}, {"b.json", "\xef\xbb\xbf{}"}, {"c.bin", "\xff\xfe"}, {"d.txt", "\xff\xfe"}});
  EXPECT_THAT(problems,
              ElementsAre(problem(Severity::error, "text_not_utf8", "a.md", "'a.md' is no UTF-8: byte 7, line 2",
                                  "save it as UTF-8, or give it another content_type in manifest.json"),
                          problem(Severity::warning, "text_bom", "b.json", "'b.json' begins with a byte order mark",
                                  "save it as UTF-8 without one: readers take it as a part of the text")));
}

TEST(LintContents, NamesASecretWithoutShowingIt) {
  ManifestFile manifest;
  manifest.artifacts = {entry("c.bin", "c", "")};
  const auto problems = lint_contents(manifest, {{"c.bin", "\xff\n" + aws + " " + aws}});
  EXPECT_THAT(problems, ElementsAre(problem(
                            Severity::error, "secret_likely", "c.bin",
                            "'c.bin' line 2 holds what looks like an AWS access key (AKIA…), and 1 more of them",
                            "take it out, and change it where it is in use: a published version is there for ever")));
  for (const auto& found : problems) EXPECT_THAT(found.text + found.hint, Not(HasSubstr("Q3EG")));
}

TEST(LintContents, ComparesThePlaceholdersOfOneKindAcrossItsLocales) {
  ManifestFile manifest;
  manifest.artifacts = {entry("a.fr.md", "letter", "fr"), entry("a.en.md", "letter", "en"),
                        entry("more.en.md", "letter", "en"), entry("other.md", "other", "")};
  ManifestEntry prompt = entry("s.md", "", "fr");
  prompt.role = "system";
  manifest.prompts = {prompt};
  const std::map<std::string, std::string> bytes = {{"a.fr.md", "{{nom}} {{date}}"},
                                                    {"a.en.md", "{{name}}"},
                                                    {"more.en.md", "{{date}}"},
                                                    {"other.md", "{{unrelated}}"},
                                                    {"s.md", "{{alone}}"}};
  const std::string hint = "use the same names in every locale, or is one spelt differently?";
  EXPECT_THAT(lint_contents(manifest, bytes),
              ElementsAre(problem(Severity::warning, "placeholder_differs", "a.en.md",
                                  "kind 'letter' has no {{nom}} in locale 'en' and has it in another", hint),
                          problem(Severity::warning, "placeholder_differs", "a.fr.md",
                                  "kind 'letter' has no {{name}} in locale 'fr' and has it in another", hint)));
}

File file(std::string path, std::string kind, std::string locale) {
  File made;
  made.path = std::move(path);
  made.kind = std::move(kind);
  made.locale = std::move(locale);
  return made;
}

TEST(BreakingChanges, AreKindsLocalesAndPathsThatAreGone) {
  const std::vector<File> before = {file("a.en.md", "letter", "en"), file("a.fr.md", "letter", "fr"),
                                    file("b.md", "note", ""), file("c.md", "kept", ""), file("d.md", "gone", "fr")};
  const std::vector<File> after = {file("a.fr.md", "letter", "fr"), file("moved.md", "note", ""),
                                   file("c.md", "kept", ""), file("new.md", "new", "en")};
  EXPECT_THAT(
      breaking_changes(before, after, "1.0.0"),
      ElementsAre(problem(Severity::warning, "locale_missing", "a.en.md",
                          "kind 'letter' has no file with locale 'en', and 1.0.0 has it",
                          "whoever asks for it gets another locale"),
                  problem(Severity::warning, "path_missing", "b.md", "'b.md' is not there, and 1.0.0 has it",
                          "whoever opens it by its path finds nothing"),
                  problem(Severity::warning, "kind_missing", "d.md",
                          "there is no file of kind 'gone', and 1.0.0 has it", "whoever resolves it finds nothing")));
  EXPECT_THAT(breaking_changes(before, before, "1.0.0"), IsEmpty());
  EXPECT_THAT(breaking_changes({}, after, "1.0.0"), IsEmpty());
}

TEST(BreakingChanges, CallAPromptByItsRole) {
  std::vector<File> before = {file("s.md", "", "fr"), file("s.en.md", "", "en")};
  for (auto& one : before) one.role = "system";
  const std::vector<File> after = {file("s.md", "prompt_system", "fr")};
  const auto problems = breaking_changes(before, after, "1.0.0");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].text, "role 'system' has no file with locale 'en', and 1.0.0 has it");
}

TEST(IsText, GoesByTheContentType) {
  for (const char* type : {"text/markdown", "text/plain; charset=utf-8", "application/json", "application/ld+json"}) {
    EXPECT_TRUE(is_text(type)) << type;
  }
  for (const char* type : {"application/octet-stream", "application/pdf", "image/png", ""}) {
    EXPECT_FALSE(is_text(type)) << type;
  }
}

}  // namespace
}  // namespace bundlesync::bundle
