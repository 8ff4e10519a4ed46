#include "publish/publisher.hpp"
#include "storage/sinks.hpp"

#include <fmt/format.h>

namespace bundlesync::publish {

std::string object_prefix(std::string_view template_name, std::string_view version) {
  return fmt::format("{}/v{}", template_name, version);
}

Task<Result<bool>> ObjectWriter::has_bytes_of(const bundle::File& file) {
  storage::DigestSink sink;
  auto read = co_await storage_.download(file.storage_path, file.size.value_or(0), sink);
  if (!read && read.error().reason() == "object_too_large") co_return false;
  if (!read) co_return fail(std::move(read.error()));
  co_return sink.finish() == file.sha256;
}

Task<Result<void>> ObjectWriter::remove(std::string key) {
  if (auto ours = catalog_.check_claim(claim_); !ours) co_return ours;
  auto removed = co_await storage_.remove(key);
  if (removed) steps_.reached(Step::removed, key);
  co_return removed;
}

Task<Result<void>> ObjectWriter::write_one(const bundle::File& file, const std::string& bytes) {
  if (auto ours = catalog_.check_claim(claim_); !ours) co_return ours;
  auto created = co_await storage_.upload(file.storage_path, bytes, file.content_type);
  if (!created && created.error().reason() != "object_exists") co_return created;

  if (!created) {
    auto same = co_await has_bytes_of(file);
    if (!same) co_return fail(std::move(same.error()));
    if (*same) {
      ++counts_.kept;
      co_return Result<void>();
    }
    auto removed = co_await remove(file.storage_path);
    if (!removed) co_return removed;
    created = co_await storage_.upload(file.storage_path, bytes, file.content_type);
    if (!created) co_return created;
    ++counts_.replaced;
  }
  ++counts_.uploaded_files;
  counts_.uploaded_bytes += bytes.size();
  steps_.reached(Step::uploaded, file.storage_path);
  co_return Result<void>();
}

Task<Result<void>> ObjectWriter::write(const Loaded& loaded) {
  for (const auto& file : loaded.bundle.files) {
    auto written = co_await write_one(file, loaded.bytes.at(file.path));
    if (!written) co_return written;
  }

  auto listed = co_await storage_.list(object_prefix(loaded.bundle.template_name, loaded.bundle.version));
  if (!listed) co_return fail(std::move(listed.error()));
  for (const auto& key : objects_to_remove(*listed, loaded.bundle.files)) {
    auto removed = co_await remove(key);
    if (!removed) co_return removed;
    ++counts_.removed;
  }
  co_return Result<void>();
}

Task<Result<void>> ObjectWriter::read_back(const Loaded& loaded) {
  for (const auto& file : loaded.bundle.files) {
    auto same = co_await has_bytes_of(file);
    if (!same) co_return fail(std::move(same.error()).within("reading back what was uploaded"));
    if (*same) continue;
    co_return fail(Error(ErrorKind::damaged,
                         fmt::format("the object '{}' does not hold the bytes that were uploaded", file.storage_path),
                         "somebody else writes to this prefix, or the storage is damaged: run the same publish again")
                       .with_reason("read_back_differs"));
  }
  steps_.reached(Step::read_back, "");
  co_return Result<void>();
}

}  // namespace bundlesync::publish
