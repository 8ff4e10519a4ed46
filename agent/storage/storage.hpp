#pragma once

#include "async/task.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Where objects (the files of bundles) come from and go to. Implementations: file/, supabase/. One contract suite for
/// all: tests/contract/storage.
namespace bundlesync::storage {

struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;
};

/// Takes the bytes of one download, in order. An error ends the download and is its result.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Task<Result<void>> write(std::string_view bytes) = 0;
};

/// A key is `<template>/v<version>/<path>`: relative, '/'-separated, never a URL. Keys that break that (empty,
/// absolute,
/// "..", control bytes, backslash, '%', ':' ) are refused (kind refused, reason key_invalid) before anything is asked.
///
/// Errors of every call: not_found (reason object_missing; some servers answer it for a missing permission too),
/// unauthorised, unavailable and timed_out (the same call may succeed later), refused (the answer breaks a rule:
/// final), conflict (upload of a key that exists). No call retries by itself. Calls may run side by side. Cancelling a
/// call ends it at once, even when the medium below hangs.
class Storage {
 public:
  virtual ~Storage() = default;
  /// Streams an object into `sink`, in pieces of at most 64 KiB. Stops with refused/object_too_large as soon as more
  /// than `bytes_max` would have to be handed on; then at most bytes_max bytes were. A failed download may have handed
  /// on a part: the sink's owner throws it away. Repeatable.
  virtual Task<Result<ObjectInfo>> download(std::string key, std::uint64_t bytes_max, ByteSink& sink) = 0;
  /// Creates an object; never replaces one (conflict, reason object_exists). After unavailable or timed_out it may or
  /// may not be there: stat() tells. Whole or not at all: a reader never sees a part.
  virtual Task<Result<void>> upload(std::string key, std::string bytes, std::string content_type) = 0;
  virtual Task<Result<ObjectInfo>> stat(std::string key) = 0;
  /// Every object whose key begins with `prefix` + '/', sorted by key; an unknown prefix is an empty list.
  virtual Task<Result<std::vector<ObjectInfo>>> list(std::string prefix) = 0;
  /// Removes an object; one that is not there is removed already. Repeatable.
  virtual Task<Result<void>> remove(std::string key) = 0;
  /// For people and logs, without secrets: "file:///srv/store".
  virtual std::string describe() const = 0;
};

}  // namespace bundlesync::storage
