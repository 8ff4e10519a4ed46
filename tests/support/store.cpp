#include "support/store.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <unistd.h>

namespace bundlesync::tests {
namespace fs = std::filesystem;

Store::Store(fs::path directory) : directory_(std::move(directory)) {
  fs::create_directories(directory_);
}

std::vector<std::string> Store::keys() const {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
    if (entry.is_regular_file()) found.push_back(fs::relative(entry.path(), directory_).string());
  }
  std::ranges::sort(found);
  return found;
}

std::string Store::read(const std::string& key) const {
  std::ifstream file(object(key), std::ios::binary);
  if (!file) throw std::runtime_error("there is no object " + key);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Store::write(const std::string& key, const std::string& bytes) const {
  fs::create_directories(object(key).parent_path());
  fs::remove(object(key));  // a new file: published ones may be read-only
  std::ofstream file(object(key), std::ios::binary);
  file << bytes;
  if (!file.flush()) throw std::runtime_error("cannot write object " + key);
}

void Store::corrupt(const std::string& key) const {
  std::string bytes = read(key);
  bytes.at(bytes.size() / 2) ^= 1;
  write(key, bytes);
}

void Store::append(const std::string& key, const std::string& bytes) const {
  write(key, read(key) + bytes);
}

void Store::remove(const std::string& key) const {
  if (!fs::remove(object(key))) throw std::runtime_error("there is no object " + key);
}

void Store::take_away() const {
  fs::rename(directory_, away());
}

void Store::bring_back() const {
  fs::rename(away(), directory_);
}

HungObject::HungObject(const fs::path& object) {
  std::signal(SIGIO, SIG_IGN);  // how the kernel says that somebody waits; it would end us
  descriptor_ = ::open(object.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), object.string());
  usable_ = ::fcntl(descriptor_, F_SETLEASE, F_WRLCK) == 0;
}

HungObject::~HungObject() {
  release();
}

bool HungObject::is_waited_for() const {
  // While the lease is being broken the kernel names what it should become.
  return descriptor_ >= 0 && ::fcntl(descriptor_, F_GETLEASE) != F_WRLCK;
}

void HungObject::release() {
  if (descriptor_ < 0) return;
  ::fcntl(descriptor_, F_SETLEASE, F_UNLCK);
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace bundlesync::tests
