#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

namespace bundlesync::tests {

/// A certificate with its private key, both PEM.
struct Credentials {
  std::string certificate_pem;
  std::string key_pem;
};

enum class Validity { current, expired, not_yet };

/// A certificate authority of a test's own, made anew each time (EC P-256).
class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& name = "bundlesync test authority");
  ~CertificateAuthority();
  CertificateAuthority(const CertificateAuthority&) = delete;
  CertificateAuthority& operator=(const CertificateAuthority&) = delete;

  /// What clients are to trust.
  std::string certificate_pem() const;
  /// For a server of these host names and addresses ("localhost", "127.0.0.1"). Throws std::runtime_error.
  Credentials issue(const std::vector<std::string>& names, Validity validity = Validity::current) const;

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

}  // namespace bundlesync::tests
