#pragma once

#include "disk/target.hpp"
#include "plan/observed.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The pieces of what apps see: `..data`, the directories under views/, the templates' links in the root.
namespace bundlesync::live {

/// The number of the view that `..data` names; 0 where there is no `..data`. damaged (reason name_taken) when something
/// that is not ours has the name.
Result<std::uint64_t> shown_number(const disk::Target& target);

/// All views there are, rising; unfinished ones too.
Result<std::vector<std::uint64_t>> view_numbers(const disk::Target& target);

/// A view by its links, told about by its .view.json as far as that agrees with them: what a neighbour wrote there is
/// not believed. damaged (reason dangling) when there is no such view. `finished`: the text is there and agrees.
struct ViewDir {
  plan::View view;
  bool finished = false;
};
Result<ViewDir> read_view_dir(const disk::Target& target, std::uint64_t number);

/// Makes the directory of a view and what is in it, 0555, fsynced, its entry in views/ too.
Result<void> make_view_dir(const disk::Target& target, const plan::View& view);
/// Renamed out of the way first: no half-removed view has a view's name.
Result<void> remove_view_dir(const disk::Target& target, std::uint64_t number);

/// What the root holds of templates' links.
struct RootLinks {
  std::vector<std::string> missing;  ///< templates of the view without a link
  std::vector<std::string> stale;    ///< links of ours to templates that are not in the view
  std::vector<Error> taken;          ///< templates whose name something else has, with what to do
};
Result<RootLinks> look_at_root_links(const disk::Target& target, const plan::View& view);

/// What opening a directory says when there is none of that name: nothing, a file, or a link in its place.
bool is_gone(int error);

/// "/prompts/section7", for errors.
std::string place(const disk::Target& target, std::string_view beneath);

}  // namespace bundlesync::live
