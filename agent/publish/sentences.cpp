#include "publish/sentences.hpp"

#include <fmt/format.h>

namespace bundlesync::publish {
namespace {

std::string counted(std::uint64_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string named(const std::string& version) {
  return version.empty() ? "none" : version;
}

std::string move_sentence(const std::string& template_name, const catalog::Moved& moved) {
  return fmt::format("the default of {} moved: {} → {} (generation {}, history {})", template_name,
                     named(moved.from_version), named(moved.to_version), moved.generation, moved.history_id);
}

std::string undo_move(const std::string& template_name, const catalog::Moved& moved) {
  if (moved.from_version.empty()) {
    return fmt::format("{} had no default before: UPDATE templates SET default_version_id = NULL WHERE name = '{}'",
                       template_name, template_name);
  }
  return fmt::format("bundlesync set-default {} {}", template_name, moved.from_version);
}

}  // namespace

void say_published(PublishResult& result) {
  const std::string name = result.template_name + " " + result.version;
  if (result.template_created) result.changed.push_back(fmt::format("template {} was created", result.template_name));
  if (result.outcome == Outcome::published) {
    result.changed.push_back(fmt::format("{} was published: {}, {}, manifest {}{}", name,
                                         counted(result.files.size(), "file"), counted(result.bytes, "byte"),
                                         result.manifest_sha256.substr(0, 12),
                                         result.taken_over ? ", over a draft that was left" : ""));
    result.undo.push_back(fmt::format("{} stays as it is for ever; nothing shows it unless it is the default", name));
  } else {
    result.changed.push_back(fmt::format("{} was published before with the same content", name));
  }
  if (!result.signed_by.empty())
    result.changed.push_back(fmt::format("{} is signed by key {}", name, result.signed_by));
  if (!result.moved) return;
  result.changed.push_back(move_sentence(result.template_name, *result.moved));
  result.undo.insert(result.undo.begin(), undo_move(result.template_name, *result.moved));
}

void say_rehearsed(PublishResult& result, const Known& known, bool set_default) {
  const std::string name = result.template_name + " " + result.version;
  if (result.template_created)
    result.changed.push_back(fmt::format("template {} would be created", result.template_name));
  if (result.outcome == Outcome::would_publish) {
    result.changed.push_back(fmt::format("{} would be published: {}, {}, manifest {}{}", name,
                                         counted(result.files.size(), "file"), counted(result.bytes, "byte"),
                                         result.manifest_sha256.substr(0, 12),
                                         result.taken_over ? ", over a draft that was left" : ""));
  } else {
    result.changed.push_back(fmt::format("{} was published before with the same content", name));
  }
  if (!result.signed_by.empty()) {
    result.changed.push_back(fmt::format("{} would be signed by key {}", name, result.signed_by));
  }
  const bool moves = set_default && result.outcome != Outcome::nothing_to_do && result.outcome != Outcome::would_sign;
  if (!moves) return;
  const std::string from = known.template_row ? known.template_row->default_version : std::string();
  result.changed.push_back(
      fmt::format("the default of {} would move: {} → {}", result.template_name, named(from), result.version));
}

void say_moved(MoveResult& result) {
  if (result.already) {
    result.changed.push_back(
        fmt::format("{} is the default of {} already", named(result.moved.to_version), result.template_name));
    return;
  }
  result.changed.push_back(move_sentence(result.template_name, result.moved));
  result.undo.push_back(undo_move(result.template_name, result.moved));
}

void say_abandoned(AbandonResult& result) {
  result.changed.push_back(fmt::format("the draft of {} {} was removed with {}", result.template_name, result.version,
                                       counted(result.removed_objects, "object")));
  result.undo.push_back(fmt::format("publish {} {} again from its directory", result.template_name, result.version));
}

}  // namespace bundlesync::publish
