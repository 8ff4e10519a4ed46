#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace bundlesync::tests {

/// The directory behind a file:// storage, and what can go wrong with it.
class Store {
 public:
  explicit Store(std::filesystem::path directory);

  std::string url() const { return "file://" + directory_.string(); }
  std::filesystem::path object(const std::string& key) const { return directory_ / key; }
  std::vector<std::string> keys() const;

  void corrupt(const std::string& key) const;  ///< one byte differs, the size is the same
  void append(const std::string& key, const std::string& bytes) const;
  void remove(const std::string& key) const;
  void write(const std::string& key, const std::string& bytes) const;
  std::string read(const std::string& key) const;

  void take_away() const;   ///< the whole store is gone …
  void bring_back() const;  ///< … and there again

 private:
  std::filesystem::path away() const { return directory_.string() + ".away"; }
  std::filesystem::path directory_;
};

/// An object whose open(2) hangs in the kernel while this lives: it is under a write lease, for as long as the kernel
/// waits for a lease (45 s by default). usable() says whether the file system and our rights allow it.
class HungObject {
 public:
  explicit HungObject(const std::filesystem::path& object);
  ~HungObject();
  HungObject(const HungObject&) = delete;
  HungObject& operator=(const HungObject&) = delete;

  bool usable() const { return usable_; }
  /// Somebody hangs in open(2) right now.
  bool is_waited_for() const;
  void release();

 private:
  int descriptor_;
  bool usable_;
};

}  // namespace bundlesync::tests
