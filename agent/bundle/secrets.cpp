#include "bundle/secrets.hpp"

#include <algorithm>
#include <array>

namespace bundlesync::bundle {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_alnum(char c) {
  return is_digit(c) || is_upper(c) || is_lower(c);
}
bool is_upper_alnum(char c) {
  return is_digit(c) || is_upper(c);
}
bool is_word(char c) {
  return is_alnum(c) || c == '_' || c == '-';
}

/// A prefix, then between `least` and `most` bytes of an alphabet.
struct Shape {
  std::string_view what;
  std::string_view prefix;
  bool (*alphabet)(char);
  std::size_t least;
  std::size_t most;
  bool mixed;  ///< upper and lower case and digits: else it is a name made of words
};

constexpr std::size_t any_length = 4096;
constexpr std::array shapes = {
    Shape{"an AWS access key", "AKIA", is_upper_alnum, 16, 16, false},
    Shape{"an AWS access key", "ASIA", is_upper_alnum, 16, 16, false},
    Shape{"a GitHub token", "ghp_", is_alnum, 36, any_length, false},
    Shape{"a GitHub token", "gho_", is_alnum, 36, any_length, false},
    Shape{"a GitHub token", "ghu_", is_alnum, 36, any_length, false},
    Shape{"a GitHub token", "ghs_", is_alnum, 36, any_length, false},
    Shape{"a GitHub token", "ghr_", is_alnum, 36, any_length, false},
    Shape{"a GitHub token", "github_pat_", is_word, 60, any_length, false},
    Shape{"a GitLab token", "glpat-", is_word, 20, any_length, false},
    Shape{"a Slack token", "xoxb-", is_word, 24, any_length, false},
    Shape{"a Slack token", "xoxp-", is_word, 24, any_length, false},
    Shape{"a Stripe key", "sk_live_", is_alnum, 20, any_length, false},
    Shape{"a Stripe key", "rk_live_", is_alnum, 20, any_length, false},
    Shape{"a Google API key", "AIza", is_word, 35, 35, true},
    Shape{"an API key", "sk-", is_word, 32, any_length, true},
    Shape{"a Supabase secret key", "sb_secret_", is_word, 20, any_length, false},
};

std::size_t length_of(std::string_view text, bool (*alphabet)(char)) {
  const auto end = std::ranges::find_if_not(text, alphabet);
  return static_cast<std::size_t>(end - text.begin());
}

bool stands_alone(std::string_view text, std::size_t at) {
  return at == 0 || !is_word(text[at - 1]);
}

bool has_shape(std::string_view rest, const Shape& shape) {
  const std::size_t length = length_of(rest, shape.alphabet);
  const auto token = rest.substr(0, length);
  if (length < shape.least || length > shape.most) return false;
  if (length < rest.size() && is_word(rest[length])) return false;
  if (token.ends_with("EXAMPLE")) return false;  // AWS's own examples
  return !shape.mixed || (std::ranges::any_of(token, is_upper) && std::ranges::any_of(token, is_lower) &&
                          std::ranges::any_of(token, is_digit));
}

/// header.payload.signature, both of the first two an object in base64url: `eyJ` is `{"`.
bool is_jwt(std::string_view rest) {
  for (int part = 0; part < 2; ++part) {
    const std::size_t length = length_of(rest, is_word);
    if (!rest.starts_with("eyJ") || length < 12 || length == rest.size() || rest[length] != '.') return false;
    rest.remove_prefix(length + 1);
  }
  return length_of(rest, is_word) >= 20;
}

/// "-----BEGIN RSA PRIVATE KEY-----" with key material below it.
bool is_private_key(std::string_view rest) {
  constexpr std::string_view end = "PRIVATE KEY-----";
  const auto line = rest.substr(0, rest.find('\n'));
  const auto at = line.find(end);
  if (at == std::string_view::npos || at > 40 || rest.size() == line.size()) return false;
  const auto body = rest.substr(line.size() + 1);
  return body.starts_with("Proc-Type:") ||
         length_of(body, [](char c) { return is_alnum(c) || c == '+' || c == '/' || c == '='; }) >= 32;
}

class Finder {
 public:
  explicit Finder(std::string_view text) : text_(text) {}

  template <class Test>
  void find(std::string_view what, std::string_view prefix, Test is_secret) {
    for (auto at = text_.find(prefix); at != std::string_view::npos; at = text_.find(prefix, at + 1)) {
      if (stands_alone(text_, at) && is_secret(text_.substr(at))) add(what, prefix, at);
    }
  }
  std::vector<LikelySecret> found() {
    std::ranges::stable_sort(found_, {}, &LikelySecret::line);
    return std::move(found_);
  }

 private:
  void add(std::string_view what, std::string_view prefix, std::size_t at) {
    const auto known = std::ranges::find(found_, prefix, &LikelySecret::prefix);
    if (known != found_.end()) {
      ++known->count;
      return;
    }
    const auto line = 1 + std::ranges::count(text_.substr(0, at), '\n');
    found_.push_back(LikelySecret{what, prefix, static_cast<std::size_t>(line), 1});
  }

  std::string_view text_;
  std::vector<LikelySecret> found_;
};

}  // namespace

std::vector<LikelySecret> likely_secrets(std::string_view text) {
  Finder finder(text);
  for (const auto& shape : shapes) {
    finder.find(shape.what, shape.prefix,
                [&](std::string_view rest) { return has_shape(rest.substr(shape.prefix.size()), shape); });
  }
  finder.find("a JWT", "eyJ", is_jwt);
  constexpr std::string_view begin = "-----BEGIN ";
  finder.find("a private key", begin, [&](std::string_view rest) { return is_private_key(rest.substr(begin.size())); });
  return finder.found();
}

}  // namespace bundlesync::bundle
