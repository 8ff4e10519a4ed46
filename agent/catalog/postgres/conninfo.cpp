#include "catalog/postgres/conninfo.hpp"

#include "catalog/postgres/sqlstate.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <unistd.h>

namespace bundlesync::catalog::postgres {
namespace {

constexpr std::string_view example_hint = "postgresql://user:password@host:5432/database";

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts(1);
  for (const char c : list) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// Element `i` of a list that libpq stretches when it has one element.
std::string at(const std::vector<std::string>& list, std::size_t i) {
  if (list.size() == 1) return list.front();
  return i < list.size() ? list[i] : std::string();
}

std::string take(std::map<std::string, Secret>& parameters, const std::string& key) {
  const auto found = parameters.find(key);
  if (found == parameters.end()) return {};
  auto value = found->second.reveal();
  parameters.erase(found);
  return value;
}

std::vector<Host> take_hosts(std::map<std::string, Secret>& parameters) {
  const auto names = split(take(parameters, "host"));
  const auto addresses = split(take(parameters, "hostaddr"));
  const auto ports = split(take(parameters, "port"));
  std::vector<Host> hosts;
  for (std::size_t i = 0; i < std::max(names.size(), addresses.size()); ++i) {
    Host host;
    host.name = i < names.size() ? names[i] : std::string();
    host.address = i < addresses.size() ? addresses[i] : std::string();
    host.port = at(ports, i).empty() ? "5432" : at(ports, i);
    if (host.name.empty() && host.address.empty()) host.name = "/var/run/postgresql";
    hosts.push_back(std::move(host));
  }
  return hosts;
}

void complete(std::map<std::string, Secret>& parameters, std::string key, std::string value) {
  parameters.try_emplace(std::move(key), Secret(std::move(value)));
}

/// TLS for hosts beyond this machine: verified, or the string says less and people are told.
Result<void> secure(Conninfo& info, const std::string& ca, const std::string& system_ca) {
  const auto remote =
      std::ranges::find_if(info.hosts, [](const Host& h) { return !h.is_socket() && !h.is_loopback(); });
  const bool asked = info.parameters.contains("sslmode");
  if (remote != info.hosts.end()) complete(info.parameters, "sslmode", "verify-full");
  const auto mode = info.parameters.contains("sslmode") ? info.parameters.at("sslmode").reveal() : std::string();
  if (remote != info.hosts.end() && asked && mode != "verify-full") {
    info.warnings.push_back(
        "sslmode=" + mode + " does not verify that the server is " + remote->text() +
        " (hint: take sslmode out of database.url; set database.ca if its authority is not public)");
  }
  if (!ca.empty()) complete(info.parameters, "sslrootcert", ca);
  const bool verifies = mode == "verify-full" || mode == "verify-ca";
  if (!verifies || info.parameters.contains("sslrootcert")) return {};
  if (system_ca.empty()) {
    return fail(ErrorKind::usage, "no file with certificate authorities is there to verify the database server with",
                "install the package ca-certificates, or set database.ca to a PEM file");
  }
  complete(info.parameters, "sslrootcert", system_ca);
  return {};
}

/// Percent-encoded as a URL may carry it, so that it is found in messages that quote the URL.
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "-._~";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool keeps = std::isalnum(byte) != 0 || plain.find(c) != std::string_view::npos;
    if (keeps) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += digits[byte >> 4];
      encoded += digits[byte & 15];
    }
  }
  return encoded;
}

}  // namespace

bool Host::is_socket() const {
  return address.empty() && (name.empty() || name.front() == '/' || name.front() == '@');
}

bool Host::is_loopback() const {
  const auto& target = address.empty() ? name : address;
  const bool numeric = target.find_first_not_of("0123456789.") == std::string::npos;
  return target == "localhost" || target.ends_with(".localhost") || target == "::1" ||
         (numeric && target.starts_with("127."));
}

std::string Host::text() const {
  const auto& shown = name.empty() ? address : name;
  const bool bare_ipv6 = shown.find(':') != std::string::npos && shown.front() != '/';
  return (bare_ipv6 ? "[" + shown + "]" : shown) + ":" + port;
}

std::string Conninfo::scrub(std::string message) const {
  for (const auto& secret : hidden) {
    const auto& text = secret.reveal();
    if (text.empty()) continue;
    for (std::size_t at = 0; (at = message.find(text, at)) != std::string::npos; at += 3) {
      message.replace(at, text.size(), "***");
    }
  }
  return message;
}

Error Conninfo::scrub(const Error& error) const {
  Error clean(error.kind(), scrub(error.fact()));
  for (const auto& hint : error.hints()) clean = std::move(clean).with_hint(scrub(hint));
  return std::move(clean).with_reason(error.reason());
}

Result<Conninfo> read_conninfo(const Secret& text, const std::string& ca, const std::string& system_ca) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(text.reveal().c_str(), &message), &PQconninfoFree);
  if (!options) {
    // Everything from the first quote on may be a piece of the string, and so of the password.
    auto why = one_line(message == nullptr ? "out of memory" : message);
    why = one_line(why.substr(0, why.find('"')));
    if (why == "missing") why = "neither a URL nor name=value pairs";  // no "=" after what it may not quote
    PQfreemem(message);
    return fail(Error(ErrorKind::usage, "database.url cannot be read: " + why)
                    .with_hint("its form is " + std::string(example_hint))
                    .with_hint("write special characters of the password percent-encoded: '@' as %40, '/' as %2F"));
  }

  Conninfo info;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr && *option->val != '\0') info.parameters.emplace(option->keyword, Secret(option->val));
  }
  for (const auto* key : {"password", "sslpassword"}) {
    const auto found = info.parameters.find(key);
    if (found == info.parameters.end()) continue;
    info.hidden.push_back(found->second);
    info.hidden.emplace_back(percent_encoded(found->second.reveal()));
  }
  info.hosts = take_hosts(info.parameters);
  if (const auto secured = secure(info, ca, system_ca); !secured) return fail(secured.error());

  constexpr std::array<std::array<const char*, 2>, 8> wanted = {
      {{"application_name", "bundlesync"},
       {"client_encoding", "UTF8"},
       {"connect_timeout", "5"},
       {"keepalives_idle", "10"},
       {"keepalives_interval", "5"},
       {"keepalives_count", "3"},
       {"tcp_user_timeout", "15000"},
       // Kerberos would look for tickets and ask the DNS, blocking.
       {"gssencmode", "disable"}}};
  for (const auto& [key, value] : wanted) complete(info.parameters, key, value);
  if (info.hosts.size() > 1) complete(info.parameters, "target_session_attrs", "read-write");
  return info;
}

std::string system_ca_bundle() {
  constexpr std::array places = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                 "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/ca-bundle.pem",
                                 "/etc/ssl/cert.pem"};
  for (const auto* place : places) {
    if (::access(place, R_OK) == 0) return place;
  }
  return {};
}

void forget_libpq_environment() {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(PQconndefaults(), &PQconninfoFree);
  for (const auto* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
    if (option->envvar != nullptr) ::unsetenv(option->envvar);
  }
  ::unsetenv("PGSERVICEFILE");
  ::unsetenv("PGSYSCONFDIR");
}

}  // namespace bundlesync::catalog::postgres
