#pragma once

#include "base/error.hpp"

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// What goes wrong with HTTP, in words. `where` is an origin ("https://host"): nothing here shows a path, a header's
/// value or a body.
namespace bundlesync::storage::http::errors {

Error dns_failed(std::string_view where, std::string_view host, const boost::system::error_code& cause);
Error connect_failed(std::string_view where, const boost::system::error_code& cause);

// Deadlines, each with its phase.
Error lookup_timeout(std::string_view host, std::chrono::milliseconds limit);
Error connect_timeout(std::string_view where, std::chrono::milliseconds limit);
Error handshake_timeout(std::string_view where, std::chrono::milliseconds limit);
Error send_timeout(std::string_view where, std::uint64_t bytes, std::chrono::milliseconds limit);
Error first_byte_timeout(std::string_view where, std::chrono::milliseconds limit, bool began);
Error low_speed_timeout(std::string_view where, std::uint64_t bytes, std::chrono::milliseconds limit);
Error whole_timeout(std::string_view where, std::chrono::milliseconds limit);

// TLS. `cause` is OpenSSL's text.
Error ca_unreadable(std::string_view file, std::string_view cause);
Error untrusted(std::string_view where, std::string_view cause);
Error wrong_host(std::string_view where, std::string_view host);
Error expired(std::string_view where);
Error not_yet_valid(std::string_view where);
Error bad_certificate(std::string_view where, std::string_view cause);
Error too_old(std::string_view where);
Error no_tls(std::string_view where);
Error tls_failed(std::string_view where, std::string_view cause);
Error closed_in_handshake(std::string_view where);

// A connection that ends too early.
Error reset_before_answer(std::string_view where, std::string_view cause);
Error reset_in_answer(std::string_view where, std::uint64_t body_bytes, std::string_view cause);
Error closed_without_answer(std::string_view where);
Error truncated_header(std::string_view where);
Error truncated(std::string_view where, std::uint64_t body_bytes, std::uint64_t declared);
Error truncated_undeclared(std::string_view where, std::uint64_t body_bytes);

// Answers that are refused.
Error header_too_large(std::string_view where);
Error not_http(std::string_view where);
Error bad_answer(std::string_view where, std::string_view cause);
Error redirect(std::string_view where, int status, std::string_view place);
Error unasked_range(std::string_view where);
Error content_encoding(std::string_view where);
Error answer_too_large(std::string_view where, std::uint64_t bytes_max);
Error object_too_large(std::string_view where, std::uint64_t bytes_max);

}  // namespace bundlesync::storage::http::errors
