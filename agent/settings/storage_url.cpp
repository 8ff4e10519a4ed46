#include "settings/storage_url.hpp"

#include "base/nearest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace bundlesync::settings {
namespace {

constexpr const char* forms_hint = "write file:///dir or supabase+https://host/storage/v1";
/// Read, for its errors, though no client speaks it yet: check_together refuses it where it would be followed.
constexpr const char* s3_hint = "write s3://bucket?region=...&endpoint=...&style=path";

std::unexpected<Error> wrong(std::string fact, std::string hint = forms_hint) {
  return fail(ErrorKind::usage, std::move(fact), std::move(hint));
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
    const auto low = high ? hex_digit(text[i + 2]) : std::nullopt;
    const int byte = high && low ? *high * 16 + *low : 0;
    if (byte == 0) return wrong("'" + std::string(text) + "' has a '%' without two hex digits", "write %25 for a '%'");
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (c > ' ' && c < '\x7f' && c != '%' && c != '?' && c != '#') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', digits[byte >> 4], digits[byte & 0xF]};
  }
  return out;
}

/// host[:port], of bytes that can stand there. "user@" is refused by the caller, which must not print it.
bool is_authority(std::string_view text) {
  std::string_view host = text;
  const auto bracket = text.rfind(']');
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto port = text.substr(colon + 1);
    std::uint16_t number = 0;
    const auto [rest, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (port.empty() || error != std::errc() || rest != port.data() + port.size() || number == 0) return false;
    host = text.substr(0, colon);
  }
  if (host.starts_with('[')) {
    return host.size() > 3 && host.ends_with(']') && std::ranges::all_of(host.substr(1, host.size() - 2), [](char c) {
             return c == ':' || c == '.' || hex_digit(c);
           });
  }
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  });
}

Result<StorageUrl> parse_file(std::string_view rest) {
  if (!rest.starts_with('/')) {
    return wrong("a file:// storage url must name an absolute path", "write three slashes, as in file:///srv/bundles");
  }
  if (rest.find_first_of("?#") != std::string_view::npos) {
    return wrong("a file:// storage url takes no '?' and no '#'", "write %3F and %23 where the path has them");
  }
  auto directory = percent_decoded(rest);
  if (!directory) return fail(std::move(directory).error());
  while (directory->size() > 1 && directory->ends_with('/')) directory->pop_back();
  FileStore store;
  store.directory = std::move(*directory);
  return StorageUrl(std::move(store));
}

Result<StorageUrl> parse_supabase(std::string_view scheme, std::string_view rest) {
  if (rest.find_first_of("?#") != std::string_view::npos)
    return wrong("a supabase storage url takes no '?' and no '#'");
  const auto slash = rest.find('/');
  const auto authority = rest.substr(0, slash);
  if (!is_authority(authority)) return wrong("'" + std::string(authority) + "' is not a host, or a host and a port");
  std::string path(slash == std::string_view::npos ? "" : rest.substr(slash));
  while (path.ends_with('/')) path.pop_back();
  SupabaseStore store;
  store.origin = std::string(scheme) + "://" + std::string(authority);
  store.path = path.empty() ? "/storage/v1" : path;
  return StorageUrl(std::move(store));
}

Result<void> set_parameter(S3Store& store, std::string_view name, const std::string& value) {
  constexpr std::array<std::string_view, 3> known = {"region", "endpoint", "style"};
  if (name == "region") {
    store.region = value;
  } else if (name == "endpoint") {
    std::string_view authority = value;
    for (const std::string_view scheme : {"https://", "http://"}) {
      if (authority.starts_with(scheme)) authority.remove_prefix(scheme.size());
    }
    if (authority.size() == value.size() || !is_authority(authority)) {
      return wrong("endpoint '" + value + "' is not an http or https origin",
                   "write it as https://host or https://host:port");
    }
    store.endpoint = value;
  } else if (name == "style") {
    if (value != "path" && value != "virtual")
      return wrong("style '" + value + "' is not one of path, virtual", s3_hint);
    store.path_style = value == "path";
  } else {
    auto error = Error(ErrorKind::usage, "'" + std::string(name) + "' is not a known part of an s3 storage url");
    const auto meant = nearest(name, known);
    return fail(std::move(error).with_hint(meant ? "did you mean '" + std::string(*meant) + "'?" : s3_hint));
  }
  return {};
}

Result<StorageUrl> parse_s3(std::string_view rest) {
  const auto question = rest.find('?');
  S3Store store;
  store.bucket = rest.substr(0, question);
  const bool good_bucket =
      store.bucket.size() >= 3 && store.bucket.size() <= 63 && std::ranges::all_of(store.bucket, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
      });
  if (!good_bucket) {
    return wrong("'" + store.bucket + "' is not a bucket",
                 "a bucket is 3 to 63 of a-z 0-9 . -, without a path behind it");
  }
  std::string_view query = question == std::string_view::npos ? "" : rest.substr(question + 1);
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto part = query.substr(0, end);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) return wrong("'" + std::string(part) + "' has no '='", s3_hint);
    auto value = percent_decoded(part.substr(equals + 1));
    if (!value) return fail(std::move(value).error());
    if (auto set = set_parameter(store, part.substr(0, equals), *value); !set) return fail(std::move(set).error());
    query = end == std::string_view::npos ? "" : query.substr(end + 1);
  }
  if (store.region.empty() && store.endpoint.empty())
    return wrong("an s3 storage url needs a region or an endpoint", s3_hint);
  return StorageUrl(std::move(store));
}

}  // namespace

Result<StorageUrl> parse_storage_url(std::string_view text) {
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return wrong("the storage url has no scheme");
  const auto scheme = text.substr(0, colon);
  const auto rest = text.substr(colon + 3);
  if (scheme == "file") return parse_file(rest);
  // An '@' before the path would be a user and password, which must not be printed either.
  if (rest.substr(0, rest.find_first_of("/?")).find('@') != std::string_view::npos) {
    return wrong("the storage url carries a user or password", "leave them out and set storage.key");
  }
  if (scheme == "supabase+https" || scheme == "supabase+http") return parse_supabase(scheme.substr(9), rest);
  if (scheme == "s3") return parse_s3(rest);
  if (scheme == "https" || scheme == "http") {
    return wrong("the storage url does not say what kind of storage it is",
                 "write supabase+" + std::string(scheme) + "://host/storage/v1");
  }
  return wrong("'" + std::string(scheme) + "' is not a known scheme of a storage url");
}

std::string to_string(const StorageUrl& url) {
  if (const auto* file = std::get_if<FileStore>(&url)) return "file://" + percent_encoded(file->directory);
  if (const auto* supabase = std::get_if<SupabaseStore>(&url)) return "supabase+" + supabase->origin + supabase->path;
  const auto& s3 = std::get<S3Store>(url);
  std::string text = "s3://" + s3.bucket;
  auto add = [&text, separator = '?'](std::string_view name, const std::string& value) mutable {
    if (value.empty()) return;
    text += separator + std::string(name) + "=" + value;
    separator = '&';
  };
  add("region", s3.region);
  add("endpoint", s3.endpoint);
  add("style", s3.path_style ? "path" : "");
  return text;
}

}  // namespace bundlesync::settings
