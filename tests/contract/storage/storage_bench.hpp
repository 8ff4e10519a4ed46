#pragma once

#include "async/task.hpp"
#include "storage/storage.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

namespace bundlesync::storage::contract {

/// One storage with a grip on the world below it. A new implementation joins the suite by a bench of its own.
class Bench {
 public:
  virtual ~Bench() = default;
  /// Every call runs here: a storage with sockets keeps them for the next call.
  asio::io_context& loop() { return loop_; }
  /// Of several uploads of one key at a time exactly one succeeds.
  virtual bool creates_atomically() const { return true; }
  /// A key may hold any byte that storage::check_key lets pass.
  virtual bool takes_non_ascii_keys() const { return true; }
  virtual Storage& storage() = 0;
  /// Makes the next download of this object wait in the medium until release().
  virtual void hang(const std::string& key) = 0;
  virtual void release(const std::string& key) = 0;
  /// Takes the medium away, as a lost mount or a dead server is away.
  virtual void take_away() = 0;

 private:
  asio::io_context loop_{1};
};

std::unique_ptr<Bench> make_memory_bench();
std::unique_ptr<Bench> make_file_bench();
/// Supabase Storage, as the stand-in behaves.
std::unique_ptr<Bench> make_supabase_bench();
std::unique_ptr<Bench> make_retrying_supabase_bench();
/// The same file store with retries around it: the decorator keeps the contract.
std::unique_ptr<Bench> make_retrying_file_bench();

}  // namespace bundlesync::storage::contract
