#pragma once

#include "async/pool.hpp"
#include "storage/storage.hpp"

#include <filesystem>

namespace bundlesync::storage {

/// Objects as files below one directory, a volume shared with the publisher: key = path. Regular files only; no
/// symbolic link below the directory is followed. The directory need not exist: the first upload makes it. A directory
/// that is missing, or has nothing in it at all, is unavailable for download and stat (an unmounted volume looks like
/// that). Blocking calls run on `pool`, which should be the storage's own: a medium that hangs (NFS, a leased file)
/// keeps its threads.
class FileStorage final : public Storage {
 public:
  FileStorage(std::filesystem::path directory, async::Pool& pool) : directory_(std::move(directory)), pool_(pool) {}

  Task<Result<ObjectInfo>> download(std::string key, std::uint64_t bytes_max, ByteSink& sink) override;
  Task<Result<void>> upload(std::string key, std::string bytes, std::string content_type) override;
  Task<Result<ObjectInfo>> stat(std::string key) override;
  Task<Result<std::vector<ObjectInfo>>> list(std::string prefix) override;
  Task<Result<void>> remove(std::string key) override;
  std::string describe() const override { return "file://" + directory_.string(); }

 private:
  std::filesystem::path directory_;
  async::Pool& pool_;
};

}  // namespace bundlesync::storage
