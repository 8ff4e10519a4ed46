#include "storage/supabase/object_key.hpp"

#include "storage/key_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bundlesync::storage::supabase {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_allowed(char c) {
  return is_alphanumeric(c) || std::string_view("_/!.*'()&$@=;+,- ").find(c) != std::string_view::npos;
}

}  // namespace

Result<void> check_object_key(std::string_view key) {
  if (auto good = check_key(key); !good) return good;
  const auto bad = std::ranges::find_if_not(key, is_allowed);
  if (bad == key.end()) return {};
  const auto byte = static_cast<unsigned char>(*bad);
  const std::string shown = byte < 0x80 ? fmt::format("'{}'", *bad) : fmt::format("the byte \\x{:02x}", byte);
  return fail(
      Error(ErrorKind::refused,
            fmt::format("the storage key {} is invalid: it holds {}, which Supabase forbids", quoted_key(key), shown),
            "use letters, digits, spaces and _ ! . * ' ( ) & $ @ = ; + , - only")
          .with_reason("key_invalid"));
}

Result<void> check_bucket(std::string_view bucket) {
  const bool good = !bucket.empty() && bucket.size() <= 100 && bucket.front() != ' ' && bucket != "." &&
                    bucket != ".." && std::ranges::all_of(bucket, [](char c) { return is_allowed(c) && c != '/'; });
  if (good) return {};
  return fail(ErrorKind::usage, fmt::format("storage.bucket {} is not the name of a bucket", quoted_key(bucket)),
              "a bucket is 1 to 100 letters, digits, spaces and _ ! . * ' ( ) & $ @ = ; + , -");
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '/') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace bundlesync::storage::supabase
