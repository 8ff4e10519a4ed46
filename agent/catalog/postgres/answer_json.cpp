#include "catalog/postgres/answer_json.hpp"

#include "base/json_read.hpp"
#include "bundle/bundle.hpp"
#include "catalog/postgres/sqlstate.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace bundlesync::catalog::postgres {
namespace {

using json::ObjectReader;
using Value = boost::json::value;

/// The code of the first thing that is wrong with a document; the reader's own errors are document_invalid.
class Problem {
 public:
  void is(std::string_view code) {
    if (code_.empty()) code_ = code;
  }
  void check(const ObjectReader& reader) {
    if (!reader.ok()) is("document_invalid");
  }
  bool any() const { return !code_.empty(); }
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

/// Rows by other tools may carry capitals; a digest is the same in either.
std::optional<Digest> read_digest(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return Digest::parse(text);
}

std::optional<std::uint64_t> read_size(ObjectReader& reader, Problem& problem) {
  const Value* value = reader.value("size");
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (const auto* number = value->if_int64(); number != nullptr && *number >= 0) {
    return static_cast<std::uint64_t>(*number);
  }
  problem.is("size_invalid");
  return std::nullopt;
}

bundle::File read_file(const Value& value, Problem& problem) {
  ObjectReader reader(value, "file");
  bundle::File file;
  file.path = reader.text("path");
  file.storage_path = reader.text("storage_path");
  file.kind = reader.text_or_empty("kind");
  file.locale = reader.text_or_empty("locale");
  file.role = reader.text_or_empty("role");
  file.content_type = reader.text_or_empty("content_type");
  // Null or no text at all: as wrong as a text that is no digest.
  const Value* sha256 = reader.ok() ? reader.value("sha256") : nullptr;
  const auto digest = sha256 != nullptr && sha256->is_string() ? read_digest(reader.text("sha256")) : std::nullopt;
  if (reader.ok() && digest) {
    file.sha256 = *digest;
  } else if (reader.ok()) {
    problem.is("sha256_invalid");
  }
  file.size = reader.ok() ? read_size(reader, problem) : std::nullopt;
  problem.check(reader);
  return file;
}

std::optional<plan::WantedVersion> read_version(const Value& value, const std::string& template_name,
                                                Problem& problem) {
  if (value.is_null()) return std::nullopt;
  ObjectReader reader(value, "version");
  plan::WantedVersion version;
  version.id = reader.text("id");
  version.version = reader.text("semver");
  version.status = reader.text_or_empty("status");
  version.signature = reader.text_or_empty("signature");
  version.problem = reader.text_or_empty("problem");
  version.bundle.template_name = template_name;
  version.bundle.version = version.version;
  version.bundle.default_locale = reader.text_or_empty("default_locale");
  for (const auto* file : reader.elements("files")) version.bundle.files.push_back(read_file(*file, problem));
  std::ranges::sort(version.bundle.files, {}, &bundle::File::path);
  version.manifest = bundle::manifest_digest(version.bundle.files);
  if (const auto recorded = reader.text_or_empty("manifest_sha256"); !recorded.empty()) {
    version.recorded_manifest = read_digest(recorded);
    if (!version.recorded_manifest) problem.is("sha256_invalid");
  }
  problem.check(reader);
  return version;
}

/// An xid8 as decimal text.
std::optional<std::uint64_t> read_change(ObjectReader& reader) {
  const auto text = reader.text_or_empty("changed_xid");
  if (text.empty()) return std::nullopt;
  std::uint64_t change = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), change);
  if (error != std::errc() || end != text.data() + text.size()) {
    reader.reject(Error(ErrorKind::refused, "changed_xid is no number"));
  }
  return change;
}

plan::WantedTemplate read_template(const AnswerRow& row) {
  plan::WantedTemplate wanted;
  Problem problem;
  wanted.name = *row.template_name;
  wanted.id = std::string(plan::unreadable_id) + wanted.name;

  auto document = row.document ? json::parse(*row.document, "document") : fail(ErrorKind::refused, "no document");
  if (!document) {
    wanted.problem = "document_invalid";
    return wanted;
  }
  ObjectReader reader(*document, "document");
  if (auto id = reader.text("id"); !id.empty()) wanted.id = std::move(id);
  wanted.enabled = reader.optional_boolean("enabled").value_or(true);
  wanted.deleted = reader.optional_boolean("deleted").value_or(false);
  wanted.generation = reader.number("generation");
  wanted.change = read_change(reader);
  wanted.changed_at = reader.text_or_empty("changed_at");
  wanted.history = reader.optional_number("history");
  wanted.problem = reader.text_or_empty("problem");
  if (const auto* current = reader.value("version")) wanted.current = read_version(*current, wanted.name, problem);
  if (const auto* previous = reader.value("previous")) {
    Problem unreadable;
    auto version = read_version(*previous, wanted.name, unreadable);
    if (!unreadable.any()) wanted.previous = std::move(version);
  }
  problem.check(reader);
  if (problem.any()) wanted.problem = problem.code();
  return wanted;
}

Result<plan::Answer> read_head(const AnswerRow& row) {
  auto document = row.document ? json::parse(*row.document, "bundlesync.desired()")
                               : fail(ErrorKind::refused, "bundlesync.desired(): no document");
  if (!document) return fail(Error(ErrorKind::failed, document.error().fact()));
  ObjectReader reader(*document, "bundlesync.desired()");
  plan::Answer answer;
  const auto version = reader.number("schema_version");
  answer.epoch = reader.text("epoch");
  answer.snapshot = reader.text("snapshot");
  answer.server_started = reader.text("server_started");
  for (const auto* problem : reader.elements("problems")) {
    if (const auto* text = problem->if_string()) answer.problems.emplace_back(text->data(), text->size());
  }
  // Before the rest is judged: another schema may well say it differently.
  if (version + 1 < schema_version || version > schema_version + 1) {
    return fail(ErrorKind::usage,
                "the database has schema version " + std::to_string(version) + ", this build works with " +
                    std::to_string(schema_version - 1) + " to " + std::to_string(schema_version + 1) +
                    "; what is shown stays",
                version > schema_version ? "update bundlesync here" : "run bundlesync migrate");
  }
  if (!reader.ok() || answer.epoch.empty() || answer.snapshot.empty()) {
    return fail(ErrorKind::failed, "the first row of bundlesync.desired() lacks its epoch, snapshot or server_started",
                "run bundlesync migrate --status");
  }
  answer.schema_version = static_cast<int>(version);
  return answer;
}

}  // namespace

Result<plan::Answer> read_answer(const std::vector<AnswerRow>& rows, bool full) {
  if (rows.empty() || rows.front().template_name) {
    return fail(ErrorKind::failed, "bundlesync.desired() gave no first row", "run bundlesync migrate --status");
  }
  auto answer = read_head(rows.front());
  if (!answer) return answer;
  answer->full = full;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].template_name) answer->templates.push_back(read_template(rows[i]));
  }
  return answer;
}

}  // namespace bundlesync::catalog::postgres
