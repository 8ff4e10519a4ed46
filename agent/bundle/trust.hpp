#pragma once

#include "bundle/signature.hpp"

#include <string>
#include <unordered_map>
#include <vector>

namespace bundlesync::bundle {

/// Who is believed: the keys of the settings. Where one of these exists, every version must be signed by one of its
/// keys, whatever the catalog says: that signatures are required is known from here alone.
/// What was judged once is remembered, for the same question is asked in every pass: use it from one thread.
class Trust {
 public:
  explicit Trust(std::vector<PublicKey> keys) : keys_(std::move(keys)) {}

  const std::vector<PublicKey>& keys() const { return keys_; }
  /// As signature_problem(): the same question always gets the same answer.
  std::optional<SignatureProblem> problem(std::string_view envelope, const Signed& what) const;

 private:
  std::vector<PublicKey> keys_;
  mutable std::unordered_map<std::string, std::optional<SignatureProblem>> judged_;
};

}  // namespace bundlesync::bundle
