#include "support/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace bundlesync::tests {
namespace {

constexpr long kHour = 3600;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

template <class Write>
std::string to_pem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
  check(write(memory.get()) == 1, "writing PEM");
  const char* data = nullptr;
  const auto size = BIO_get_mem_data(memory.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string certificate_to_pem(X509* certificate) {
  return to_pem([&](BIO* memory) { return PEM_write_bio_X509(memory, certificate); });
}

void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  check(extension != nullptr, "making an extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

/// Without extensions and signature.
Certificate blank(EVP_PKEY* key, const std::string& name, Validity validity) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  std::uint64_t serial = 0;
  check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "a serial number");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  const long shift = validity == Validity::current ? 0 : (validity == Validity::expired ? -48 : 48) * kHour;
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), shift - kHour);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), shift + 24 * kHour);
  check(X509_set_pubkey(certificate.get(), key) == 1, "setting the key");
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

bool is_address(const std::string& name) {
  return name.find(':') != std::string::npos || name.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

struct CertificateAuthority::Handles {
  Key key;
  Certificate certificate;
};

CertificateAuthority::CertificateAuthority(const std::string& name) : handles_(std::make_unique<Handles>()) {
  handles_->key.reset(EVP_EC_gen("P-256"));
  check(handles_->key != nullptr, "making a key");
  handles_->certificate = blank(handles_->key.get(), name, Validity::current);
  X509* const own = handles_->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  extend(own, own, NID_basic_constraints, "critical,CA:TRUE");
  extend(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(own, own, NID_subject_key_identifier, "hash");
  check(X509_sign(own, handles_->key.get(), EVP_sha256()) > 0, "signing");
}

CertificateAuthority::~CertificateAuthority() = default;

std::string CertificateAuthority::certificate_pem() const {
  return certificate_to_pem(handles_->certificate.get());
}

Credentials CertificateAuthority::issue(const std::vector<std::string>& names, Validity validity) const {
  const Key key(EVP_EC_gen("P-256"));
  check(key != nullptr, "making a key");
  X509* const issuer = handles_->certificate.get();
  const Certificate leaf = blank(key.get(), names.at(0), validity);
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(issuer));
  std::string all;
  for (const auto& name : names)
    all += (all.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  extend(leaf.get(), issuer, NID_subject_alt_name, all);
  extend(leaf.get(), issuer, NID_ext_key_usage, "serverAuth");
  extend(leaf.get(), issuer, NID_authority_key_identifier, "keyid");
  check(X509_sign(leaf.get(), handles_->key.get(), EVP_sha256()) > 0, "signing");
  Credentials credentials;
  credentials.certificate_pem = certificate_to_pem(leaf.get());
  credentials.key_pem = to_pem(
      [&](BIO* memory) { return PEM_write_bio_PrivateKey(memory, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  return credentials;
}

}  // namespace bundlesync::tests
