#include "base/utf8.hpp"
#include "bundle/unified.hpp"
#include "publish/commands.hpp"
#include "storage/sinks.hpp"

#include <fmt/format.h>

namespace bundlesync::publish {
namespace {

bool is_text(std::string_view bytes) {
  return bytes.find('\0') == std::string_view::npos && !utf8_problem(bytes);
}

/// The bytes of one file as they were published.
Task<Result<std::string>> read_object(storage::Storage& storage, const FileLine& file, std::string key,
                                      std::uint64_t file_bytes_max) {
  // A row by another tool may not know its size.
  const std::uint64_t bytes_max = file.bytes == 0 ? file_bytes_max : file.bytes;
  storage::StringSink sink;
  auto read = co_await storage.download(key, bytes_max, sink);
  if (!read) co_return fail(std::move(read.error()));
  const std::string got = Digest::of(sink.bytes()).hex();
  if (got == file.sha256) co_return sink.bytes();
  Error changed(ErrorKind::refused,
                fmt::format("the object '{}' holds other bytes than were published: sha256 {}, expected {}", key, got,
                            file.sha256),
                "somebody else wrote to the storage: restore the object, or publish its files as another version");
  co_return fail(std::move(changed).with_reason("digest_mismatch"));
}

}  // namespace

TextDifference compare_texts(std::string_view before, std::string_view after, std::string_view before_name,
                             std::string_view after_name) {
  TextDifference difference;
  if (before == after) return difference;
  difference.binary = !is_text(before) || !is_text(after);
  if (difference.binary) return difference;
  const bundle::LineDiff lines = bundle::diff_lines(before, after);
  difference.bounded = lines.bounded;
  difference.removed = lines.removed();
  difference.added = lines.added();
  if (!lines.bounded) difference.unified = bundle::unified(lines, before_name, after_name);
  return difference;
}

Task<Result<TextDifference>> diff_text(storage::Storage& storage, const DiffResult& of, const FileDifference& file,
                                       std::uint64_t file_bytes_max) {
  if (!file.bytes_differ()) co_return TextDifference();
  std::string before;
  std::string after;
  if (file.before) {
    auto read = co_await read_object(storage, *file.before, file.before_key, file_bytes_max);
    if (!read) co_return fail(std::move(read.error()));
    before = std::move(*read);
  }
  if (file.after) {
    auto read = co_await read_object(storage, *file.after, file.after_key, file_bytes_max);
    if (!read) co_return fail(std::move(read.error()));
    after = std::move(*read);
  }
  const std::string absent = "/dev/null";
  const std::string before_name = file.before ? of.before + "/" + file.path : absent;
  const std::string after_name = file.after ? of.after + "/" + file.path : absent;
  co_return compare_texts(before, after, before_name, after_name);
}

}  // namespace bundlesync::publish
