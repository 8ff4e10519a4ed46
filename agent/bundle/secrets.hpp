#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::bundle {

/// Something in a text that has the shape of a credential. The value itself is nowhere in here.
struct LikelySecret {
  std::string_view what;    ///< "an AWS access key"
  std::string_view prefix;  ///< the part that every such secret begins with: "AKIA"
  std::size_t line = 0;     ///< of the first one, from 1
  std::size_t count = 0;    ///< how many of the kind there are

  bool operator==(const LikelySecret&) const = default;
};

/// Credentials by the shapes that their issuers publish: private key blocks, AWS, GitHub, GitLab, Slack, Stripe,
/// Google, OpenAI and Anthropic keys, Supabase secret keys, JWTs. One entry a kind, in the order of their first lines.
/// Only whole, long enough tokens that stand alone count, so that prose about keys does not.
std::vector<LikelySecret> likely_secrets(std::string_view text);

}  // namespace bundlesync::bundle
