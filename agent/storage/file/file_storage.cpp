#include "storage/file/file_storage.hpp"

#include "storage/file/objects.hpp"
#include "storage/key_rules.hpp"

#include <fmt/format.h>

#include <memory>

namespace bundlesync::storage {
namespace {

Error too_large(const std::string& key, std::uint64_t bytes_max) {
  return Error(ErrorKind::refused, fmt::format("the object {} is larger than {} bytes", quoted_key(key), bytes_max))
      .with_reason("object_too_large");
}

}  // namespace

Task<Result<ObjectInfo>> FileStorage::download(std::string key, std::uint64_t bytes_max, ByteSink& sink) {
  if (auto good = check_key(key); !good) co_return fail(std::move(good.error()));

  auto open = [root = directory_, key] { return file::open_object(root, key); };
  auto opened = co_await async::offload_abandonable(pool_, std::move(open));
  if (!opened) co_return fail(std::move(opened.error()));
  if (opened->size > bytes_max) co_return fail(too_large(key, bytes_max));

  // Shared with the job in flight: a read that hangs may outlive this coroutine.
  auto object = std::make_shared<file::Fd>(std::move(opened->descriptor));
  ObjectInfo info;
  info.key = key;
  for (;;) {
    auto read = [object, key] { return file::read_piece(*object, key); };
    auto piece = co_await async::offload_abandonable(pool_, std::move(read));
    if (!piece) co_return fail(std::move(piece.error()));
    if (piece->empty()) co_return info;

    // The file may have grown since it was opened.
    if (piece->size() > bytes_max - info.size) co_return fail(too_large(key, bytes_max));
    info.size += piece->size();
    auto taken = co_await sink.write(*piece);
    if (!taken) co_return fail(std::move(taken.error()));
  }
}

Task<Result<void>> FileStorage::upload(std::string key, std::string bytes, std::string) {
  if (auto good = check_key(key); !good) co_return fail(std::move(good.error()));
  auto create = [root = directory_, key = std::move(key), bytes = std::move(bytes)] {
    return file::create_object(root, key, bytes);
  };
  co_return co_await async::offload_abandonable(pool_, std::move(create));
}

Task<Result<ObjectInfo>> FileStorage::stat(std::string key) {
  if (auto good = check_key(key); !good) co_return fail(std::move(good.error()));
  auto look = [root = directory_, key = std::move(key)] { return file::stat_object(root, key); };
  co_return co_await async::offload_abandonable(pool_, std::move(look));
}

Task<Result<std::vector<ObjectInfo>>> FileStorage::list(std::string prefix) {
  if (auto good = check_key(prefix); !good) co_return fail(std::move(good.error()));
  auto look = [root = directory_, prefix = std::move(prefix)] { return file::list_objects(root, prefix); };
  co_return co_await async::offload_abandonable(pool_, std::move(look));
}

Task<Result<void>> FileStorage::remove(std::string key) {
  if (auto good = check_key(key); !good) co_return fail(std::move(good.error()));
  auto unlink = [root = directory_, key = std::move(key)] { return file::remove_object(root, key); };
  co_return co_await async::offload_abandonable(pool_, std::move(unlink));
}

}  // namespace bundlesync::storage
