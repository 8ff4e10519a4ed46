#include "storage/http/errors.hpp"

#include "base/units.hpp"
#include "storage/http/client.hpp"

#include <fmt/format.h>

namespace bundlesync::storage::http::errors {
namespace {

constexpr std::string_view kIsItUp = "is the server up, and are host and port in storage.url right?";
constexpr std::string_view kIsItBusy = "is the server, or a proxy before it, overloaded or restarting?";
constexpr std::string_view kIsItSlow = "is the server or the network between overloaded?";
constexpr std::string_view kIsItStorage = "does storage.url name the storage itself, not a proxy or a login page?";

Error make(ErrorKind kind, std::string_view reason, std::string fact, std::string_view hint) {
  return Error(kind, std::move(fact), std::string(hint)).with_reason(reason);
}

Error away(std::string_view reason, std::string fact, std::string_view hint) {
  return make(ErrorKind::unavailable, reason, std::move(fact), hint);
}

Error late(std::string_view reason, std::string fact, std::string_view hint) {
  return make(ErrorKind::timed_out, reason, std::move(fact), hint);
}

Error refused(std::string_view reason, std::string fact, std::string_view hint) {
  return make(ErrorKind::refused, reason, std::move(fact), hint);
}

}  // namespace

Error dns_failed(std::string_view where, std::string_view host, const boost::system::error_code& cause) {
  return away("dns_failed", fmt::format("unable to look up the host '{}' of {}: {}", host, where, cause.message()),
              "is the host in storage.url right, and does this machine's name server answer?");
}

Error connect_failed(std::string_view where, const boost::system::error_code& cause) {
  return away("connect_failed", fmt::format("unable to connect to {}: {}", where, cause.message()), kIsItUp);
}

Error lookup_timeout(std::string_view host, std::chrono::milliseconds limit) {
  return late("lookup_timeout",
              fmt::format("looking up the host '{}' did not end within {}", host, format_duration(limit)),
              "does this machine's name server answer?");
}

Error connect_timeout(std::string_view where, std::chrono::milliseconds limit) {
  return late("connect_timeout", fmt::format("connecting to {} did not end within {}", where, format_duration(limit)),
              "does a firewall drop packets on the way? are host and port in storage.url right?");
}

Error handshake_timeout(std::string_view where, std::chrono::milliseconds limit) {
  return late(
      "connect_timeout",
      fmt::format("{} took the connection, but the TLS handshake did not end within {}", where, format_duration(limit)),
      "does that port speak TLS, and is the server overloaded?");
}

Error send_timeout(std::string_view where, std::uint64_t bytes, std::chrono::milliseconds limit) {
  return late(
      "send_timeout",
      fmt::format("{} took less than {} of the request in {}", where, format_size(bytes), format_duration(limit)),
      kIsItSlow);
}

Error first_byte_timeout(std::string_view where, std::chrono::milliseconds limit, bool began) {
  return late("first_byte_timeout",
              fmt::format("{} sent {} within {}", where, began ? "only a part of an answer's header" : "no answer",
                          format_duration(limit)),
              kIsItSlow);
}

Error low_speed_timeout(std::string_view where, std::uint64_t bytes, std::chrono::milliseconds limit) {
  return late(
      "low_speed_timeout",
      fmt::format("{} sent less than {} of the answer in {}", where, format_size(bytes), format_duration(limit)),
      kIsItSlow);
}

Error whole_timeout(std::string_view where, std::chrono::milliseconds limit) {
  return late("whole_timeout", fmt::format("the request to {} did not end within {}", where, format_duration(limit)),
              kIsItSlow);
}

Error ca_unreadable(std::string_view file, std::string_view cause) {
  return away("tls_ca_unreadable", fmt::format("unable to read certificates from '{}': {}", file, cause),
              "storage.ca must name a readable file of PEM certificates");
}

Error untrusted(std::string_view where, std::string_view cause) {
  return away("tls_untrusted",
              fmt::format("the certificate of {} is not signed by an authority trusted here: {}", where, cause),
              "is the authority a private one? name a file with its certificate in storage.ca");
}

Error wrong_host(std::string_view where, std::string_view host) {
  return away("tls_wrong_host", fmt::format("the certificate of {} is not for '{}'", where, host),
              "does storage.url name the host as its certificate does?");
}

Error expired(std::string_view where) {
  return away("tls_expired", fmt::format("the certificate of {} has expired", where),
              "renew it on the server; is this machine's clock right?");
}

Error not_yet_valid(std::string_view where) {
  return away("tls_not_yet_valid", fmt::format("the certificate of {} is not valid yet", where),
              "is this machine's clock right?");
}

Error bad_certificate(std::string_view where, std::string_view cause) {
  return away("tls_bad_certificate", fmt::format("the certificate of {} is refused: {}", where, cause),
              "give the server a certificate that today's rules allow");
}

Error too_old(std::string_view where) {
  return away("tls_too_old", fmt::format("{} speaks no TLS newer than 1.1", where),
              "turn TLS 1.2 or 1.3 on there: older ones are never used");
}

Error no_tls(std::string_view where) {
  return away("tls_not_spoken", fmt::format("{} does not answer in TLS", where),
              "is it plain http at that port? then storage.url must say so, and its key travels in the clear");
}

Error tls_failed(std::string_view where, std::string_view cause) {
  return away("tls_failed", fmt::format("TLS with {} failed: {}", where, cause),
              "do the server and a proxy before it offer TLS 1.2 or 1.3 with common ciphers?");
}

Error closed_in_handshake(std::string_view where) {
  return away("connection_reset", fmt::format("{} closed the connection during the TLS handshake", where),
              "does that port speak TLS? is the server restarting?");
}

Error reset_before_answer(std::string_view where, std::string_view cause) {
  return away("connection_reset", fmt::format("the connection to {} broke before an answer: {}", where, cause),
              kIsItBusy);
}

Error reset_in_answer(std::string_view where, std::uint64_t body_bytes, std::string_view cause) {
  return away(
      "connection_reset",
      fmt::format("the connection to {} broke in the answer, after {} bytes of its body: {}", where, body_bytes, cause),
      kIsItBusy);
}

Error closed_without_answer(std::string_view where) {
  return away("connection_reset", fmt::format("{} closed the connection without an answer", where), kIsItBusy);
}

Error truncated_header(std::string_view where) {
  return away("truncated", fmt::format("{} closed the connection in the header of its answer", where), kIsItBusy);
}

Error truncated(std::string_view where, std::uint64_t body_bytes, std::uint64_t declared) {
  return away("truncated",
              fmt::format("{} closed the connection after {} of the {} bytes it declared", where, body_bytes, declared),
              kIsItBusy);
}

Error truncated_undeclared(std::string_view where, std::uint64_t body_bytes) {
  return away("truncated", fmt::format("{} closed the connection in its answer, after {} bytes", where, body_bytes),
              kIsItBusy);
}

Error header_too_large(std::string_view where) {
  return refused("header_too_large",
                 fmt::format("{} answered with a header of more than {}", where, format_size(header_bytes_max)),
                 kIsItStorage);
}

Error not_http(std::string_view where) {
  return refused("not_http", fmt::format("{} does not answer in HTTP/1", where),
                 "does the port in storage.url speak HTTP? if it speaks TLS, storage.url must say https");
}

Error bad_answer(std::string_view where, std::string_view cause) {
  return refused("not_http", fmt::format("the answer of {} is no valid HTTP: {}", where, cause), kIsItStorage);
}

Error redirect(std::string_view where, int status, std::string_view place) {
  return refused("redirect",
                 fmt::format("{} redirects to {} (status {}), and no redirect is followed", where, place, status),
                 "name in storage.url the address that serves the files itself");
}

Error unasked_range(std::string_view where) {
  return refused("unasked_range",
                 fmt::format("{} answered with a part (status 206) where the whole was asked for", where),
                 kIsItStorage);
}

Error content_encoding(std::string_view where) {
  return refused("content_encoding",
                 fmt::format("{} sent a compressed object where the plain bytes were asked for", where),
                 "let neither the storage nor a proxy compress it (Accept-Encoding was identity)");
}

Error answer_too_large(std::string_view where, std::uint64_t bytes_max) {
  return refused("answer_too_large", fmt::format("the answer of {} is larger than {} bytes", where, bytes_max),
                 kIsItStorage);
}

Error object_too_large(std::string_view where, std::uint64_t bytes_max) {
  return refused("object_too_large", fmt::format("the object that {} sends is larger than {} bytes", where, bytes_max),
                 "was the object replaced after it was published?");
}

}  // namespace bundlesync::storage::http::errors
