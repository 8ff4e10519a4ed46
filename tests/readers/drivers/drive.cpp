// Reads by the recipe until told to stop; tests/readers/driver.hpp has the contract.
#include "prompts.hpp"

#include <fstream>
#include <functional>
#include <iostream>
#include <set>

namespace {
namespace fs = std::filesystem;

class Driver {
 public:
  Driver(const std::string& target, fs::path out, const std::vector<std::string>& names)
      : target_(target), out_(std::move(out)), names_(names), kept_(target, names) {}

  void run() {
    while (!fs::exists(out_ / "stop")) read_both_ways();
    read_both_ways();
    if (last_) dump("last", *last_);
    std::cout << "reads=" << reads_ << " errors=" << errors_ << " changes=" << changes_ << "\n";
  }

 private:
  using Seen = std::shared_ptr<const prompts::Files>;

  void dump(const std::string& folder, const prompts::Files& files) {
    for (const auto& [name, bytes] : files) {
      fs::create_directories((out_ / folder / name).parent_path());
      std::ofstream(out_ / folder / name, std::ios::binary) << bytes;
    }
  }

  Seen attempt(const std::function<Seen()>& read) {
    try {
      const Seen files = read();
      if (seen_.insert(*files).second) dump("seen-" + std::to_string(seen_.size()), *files);
      return files;
    } catch (const std::system_error& error) {
      ++errors_;
      std::cerr << error.what() << "\n";
      return nullptr;
    }
  }

  void read_both_ways() {
    attempt([this] { return std::make_shared<const prompts::Files>(prompts::read(target_, names_).second); });
    if (const Seen files = attempt([this] { return kept_.files(); })) {
      if (last_ && *files != *last_) ++changes_;
      last_ = files;
    }
    ++reads_;
  }

  std::string target_;
  fs::path out_;
  std::vector<std::string> names_;
  prompts::Prompts kept_;
  std::set<prompts::Files> seen_;
  Seen last_;
  unsigned long reads_ = 0;
  unsigned long errors_ = 0;
  unsigned long changes_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  Driver(words.at(0), words.at(1), {words.begin() + 2, words.end()}).run();
}
