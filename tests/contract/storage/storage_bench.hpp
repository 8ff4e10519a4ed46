#pragma once

#include "storage/storage.hpp"

#include <memory>
#include <string>

namespace bundlesync::storage::contract {

/// One storage with a grip on the world below it. A new implementation joins the suite by a bench of its own.
class Bench {
 public:
  virtual ~Bench() = default;
  virtual Storage& storage() = 0;
  /// Makes the next download of this object wait in the medium until release().
  virtual void hang(const std::string& key) = 0;
  virtual void release(const std::string& key) = 0;
  /// Takes the medium away, as a lost mount or a dead server is away.
  virtual void take_away() = 0;
};

std::unique_ptr<Bench> make_memory_bench();
std::unique_ptr<Bench> make_file_bench();
/// The same file store with retries around it: the decorator keeps the contract.
std::unique_ptr<Bench> make_retrying_file_bench();

}  // namespace bundlesync::storage::contract
