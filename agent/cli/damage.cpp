#include "cli/damage.hpp"

#include "disk/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>

namespace bundlesync::cli {
namespace {

namespace fs = std::filesystem;

std::optional<Digest> digest_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  Sha256 hash;
  std::string piece(std::size_t{64} << 10, '\0');
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    hash.update(std::string_view(piece.data(), static_cast<std::size_t>(in.gcount())));
  }
  if (in.bad()) return std::nullopt;
  return hash.finish();
}

std::optional<Damage> look_at(const fs::path& tree, const bundle::File& file) {
  const fs::path path = tree / file.path;
  std::error_code unknown;
  const auto type = fs::symlink_status(path, unknown).type();
  if (type == fs::file_type::not_found) return Damage{file.path, "file_missing", "is missing"};
  if (type != fs::file_type::regular) return Damage{file.path, "not_a_file", "is not a regular file"};
  const auto found = digest_of(path);
  if (!found) return Damage{file.path, "file_unreadable", "cannot be read"};
  if (*found == file.sha256) return std::nullopt;
  return Damage{file.path, "file_changed", fmt::format("has sha256 {}, expected {}", found->hex(), file.sha256.hex())};
}

void add_extras(const fs::path& tree, const bundle::Bundle& bundle, std::vector<Damage>& found) {
  std::set<std::string> known{std::string(disk::layout::bundle_file)};
  for (const auto& file : bundle.files) {
    known.insert(file.path);
    for (fs::path dir = fs::path(file.path).parent_path(); !dir.empty(); dir = dir.parent_path()) {
      known.insert(dir.string());
    }
  }
  std::error_code unknown;
  for (fs::recursive_directory_iterator entry(tree, unknown), end; !unknown && entry != end; entry.increment(unknown)) {
    const std::string path = entry->path().lexically_relative(tree).string();
    if (!known.contains(path)) found.push_back(Damage{path, "file_extra", "does not belong to it"});
  }
}

}  // namespace

std::vector<Damage> damages(const fs::path& tree, const bundle::Bundle& bundle) {
  std::vector<Damage> found;
  for (const auto& file : bundle.files) {
    if (auto damage = look_at(tree, file)) found.push_back(std::move(*damage));
  }
  add_extras(tree, bundle, found);
  std::ranges::sort(found, {}, &Damage::path);
  return found;
}

}  // namespace bundlesync::cli
