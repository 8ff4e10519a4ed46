#include "bundle/trust.hpp"

#include <fmt/format.h>

namespace bundlesync::bundle {
namespace {
/// Twice what 5,000 templates ask with their current and their previous version; some 600 bytes each.
constexpr std::size_t kJudgedMax = 20'000;
}  // namespace

std::optional<SignatureProblem> Trust::problem(std::string_view envelope, const Signed& what) const {
  if (envelope.size() > envelope_bytes_max) return signature_problem(envelope, what, keys_);  // cheap, and not kept
  // The lengths keep two questions apart whose texts run together.
  std::string question = fmt::format("{} {} {} {}{}{}", envelope.size(), what.template_name.size(), what.manifest.hex(),
                                     envelope, what.template_name, what.version);
  const auto known = judged_.find(question);
  if (known != judged_.end()) return known->second;
  if (judged_.size() >= kJudgedMax) judged_.clear();
  return judged_.emplace(std::move(question), signature_problem(envelope, what, keys_)).first->second;
}

}  // namespace bundlesync::bundle
