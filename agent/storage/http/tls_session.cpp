#include "storage/http/tls_session.hpp"

#include "storage/http/errors.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace bundlesync::storage::http {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { SSL_free(session); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;
using Session = std::unique_ptr<SSL, FreeSession>;

/// The reason of the oldest error in OpenSSL's queue, which is emptied.
std::string openssl_reason() {
  const auto code = ERR_get_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "no reason given";
}

/// OpenSSL's text for a file that is missing speaks of BIO routines; ours says what open(2) says.
std::string why_unreadable(const std::string& file) {
  errno = 0;
  const std::ifstream opened(file);
  if (!opened) return std::strerror(errno);
  return "it holds no certificate";
}

bool is_address(const std::string& host) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(host.c_str());
  ASN1_OCTET_STRING_free(address);
  return address != nullptr;
}

/// The name or address that the peer's certificate must carry; names go to the server as SNI too.
bool expect_host(SSL* session, const std::string& host) {
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
  SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(session, host.c_str()) == 1 && SSL_set_tlsext_host_name(session, host.c_str()) == 1;
}

}  // namespace

struct TlsSession::Handles {
  Session session;
  BIO* input = nullptr;   ///< the session's own
  BIO* output = nullptr;  ///< the session's own
};

TlsSession::TlsSession(const Origin& origin, std::unique_ptr<Handles> handles)
    : where_(origin.to_string()), host_(origin.host), handles_(std::move(handles)) {}

TlsSession::~TlsSession() = default;

Result<std::unique_ptr<TlsSession>> TlsSession::create(const Origin& origin, const std::string& ca_file) {
  ERR_clear_error();
  const Context context(SSL_CTX_new(TLS_client_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_default_verify_paths(context.get()) != 1)
    return fail(errors::tls_failed(origin.to_string(), openssl_reason()));
  if (!ca_file.empty() && SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1) {
    ERR_clear_error();
    return fail(errors::ca_unreadable(ca_file, why_unreadable(ca_file)));
  }
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);

  auto handles = std::make_unique<Handles>();
  handles->session.reset(SSL_new(context.get()));
  if (!handles->session || !expect_host(handles->session.get(), origin.host))
    return fail(errors::tls_failed(origin.to_string(), openssl_reason()));
  handles->input = BIO_new(BIO_s_mem());
  handles->output = BIO_new(BIO_s_mem());
  SSL_set_bio(handles->session.get(), handles->input, handles->output);
  SSL_set_verify(handles->session.get(), SSL_VERIFY_PEER, nullptr);
  SSL_set_connect_state(handles->session.get());
  return std::unique_ptr<TlsSession>(new TlsSession(origin, std::move(handles)));
}

Result<bool> TlsSession::handshake() {
  ERR_clear_error();
  SSL* const session = handles_->session.get();
  const int done = SSL_do_handshake(session);
  if (done == 1) return true;
  const int what = SSL_get_error(session, done);
  if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) return false;
  return fail(handshake_error());
}

Error TlsSession::handshake_error() const {
  const long verified = SSL_get_verify_result(handles_->session.get());
  switch (verified) {
    case X509_V_OK:
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return errors::wrong_host(where_, host_);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return errors::expired(where_);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return errors::not_yet_valid(where_);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return errors::untrusted(where_, X509_verify_cert_error_string(verified));
    default:
      return errors::bad_certificate(where_, X509_verify_cert_error_string(verified));
  }
  const auto code = ERR_peek_error();
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    switch (ERR_GET_REASON(code)) {
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_WRONG_SSL_VERSION:
      case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        ERR_clear_error();
        return errors::too_old(where_);
      case SSL_R_WRONG_VERSION_NUMBER:
        ERR_clear_error();
        return errors::no_tls(where_);
      default:
        break;
    }
  }
  return errors::tls_failed(where_, openssl_reason());
}

TlsSession::Read TlsSession::read(char* data, std::size_t size) {
  ERR_clear_error();
  Read result;
  SSL* const session = handles_->session.get();
  const int done = SSL_read_ex(session, data, size, &result.bytes);
  if (done == 1) return result;
  result.bytes = 0;
  const int what = SSL_get_error(session, done);
  if (what == SSL_ERROR_ZERO_RETURN) {
    result.state = State::ended;
  } else if (what != SSL_ERROR_WANT_READ && what != SSL_ERROR_WANT_WRITE) {
    result.state = State::failed;
    ERR_clear_error();
  }
  return result;
}

bool TlsSession::write(std::string_view bytes) {
  ERR_clear_error();
  while (!bytes.empty()) {
    std::size_t written = 0;
    // The output is memory: it takes everything.
    if (SSL_write_ex(handles_->session.get(), bytes.data(), bytes.size(), &written) != 1) {
      ERR_clear_error();
      return false;
    }
    bytes.remove_prefix(written);
  }
  return true;
}

void TlsSession::give_input(std::string_view encrypted) {
  std::size_t written = 0;
  if (!encrypted.empty()) BIO_write_ex(handles_->input, encrypted.data(), encrypted.size(), &written);
}

std::string TlsSession::take_output() {
  std::string output(BIO_ctrl_pending(handles_->output), '\0');
  std::size_t taken = 0;
  if (!output.empty()) BIO_read_ex(handles_->output, output.data(), output.size(), &taken);
  output.resize(taken);
  return output;
}

bool TlsSession::has_unread() const {
  return SSL_has_pending(handles_->session.get()) == 1 || BIO_ctrl_pending(handles_->input) > 0;
}

}  // namespace bundlesync::storage::http
