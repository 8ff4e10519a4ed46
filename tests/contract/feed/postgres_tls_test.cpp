#include "catalog/postgres/postgres_feed.hpp"
#include "contract/feed/loop_runner.hpp"
#include "support/child.hpp"
#include "support/postgres_server.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace bundlesync::tests {
namespace {

using catalog::postgres::PostgresFeed;

/// A certificate for "localhost" that signs itself, with its key.
void write_certificate(const std::string& certificate_path, const std::string& key_path) {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  auto* const name = X509_get_subject_name(certificate.get());
  const auto* common = reinterpret_cast<const unsigned char*>("localhost");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> names(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost"), &X509_EXTENSION_free);
  X509_add_ext(certificate.get(), names.get(), -1);
  X509_sign(certificate.get(), key.get(), EVP_sha256());

  const std::unique_ptr<FILE, int (*)(FILE*)> out(std::fopen(certificate_path.c_str(), "w"), &std::fclose);
  PEM_write_X509(out.get(), certificate.get());
  const std::unique_ptr<FILE, int (*)(FILE*)> secret(std::fopen(key_path.c_str(), "w"), &std::fclose);
  PEM_write_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
}

class PostgresTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string data(server.exec("postgres", "show data_directory").text(0, 0));
    certificate = dir / "server.crt";
    write_certificate(certificate, data + "/server.key");
    std::filesystem::copy(certificate, data + "/server.crt");
    const auto user = ServerUser::choose();
    ASSERT_EQ(::chmod((data + "/server.key").c_str(), 0600), 0);
    if (::getuid() == 0) {
      ASSERT_EQ(::chown((data + "/server.key").c_str(), user.uid, user.gid), 0);
    }
    server.exec("postgres", "alter system set ssl = on");
    server.restart();
  }
  std::string url(const std::string& host, const std::string& parameters) {
    return "postgresql://postgres:s3cret%2Fword@" + host + ":" + std::to_string(server.port()) + "/postgres" +
           parameters;
  }
  Result<catalog::SessionInfo> connect(const std::string& text, const std::string& ca) {
    const auto give = [text] { return Result<Secret>(Secret(text)); };
    PostgresFeed feed(loop.io.get_executor(), loop.clock, loop.pool, give, ca);
    return loop.run(feed.connect());
  }

  TempDir dir;
  PostgresServer server;
  std::string certificate;
  LoopRunner loop;
};

TEST_F(PostgresTlsTest, VerifiesTheServerWithItsAuthority) {
  const auto info = connect(url("localhost", "?sslmode=verify-full"), certificate);
  ASSERT_TRUE(info) << info.error().text();
  EXPECT_TRUE(info->tls);
}

TEST_F(PostgresTlsTest, AnUnknownAuthorityIsRefusedWithWhereToGetIt) {
  const auto info = connect(url("localhost", "?sslmode=verify-full"), "");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().kind(), ErrorKind::usage);
  EXPECT_EQ(info.error().reason(), "tls_not_verified");
  EXPECT_TRUE(info.error().fact().ends_with("SSL error: certificate verify failed")) << info.error().fact();
  EXPECT_EQ(info.error().hints(),
            (std::vector<std::string>{
                "set database.ca to a file with the certificate of the authority that signed the server's",
                "Supabase: download it in the dashboard under Project Settings, Database, SSL Configuration"}));
}

TEST_F(PostgresTlsTest, PeoplesCommandsSayWhereToGetTheAuthorityToo) {
  const auto session = catalog::Session::connect(url("localhost", "?sslmode=verify-full"));
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(session.error().hints().at(0),
            "set database.ca to a file with the certificate of the authority that signed the server's");
  EXPECT_EQ(session.error().fact().find("s3cret"), std::string::npos) << session.error().fact();
}

TEST_F(PostgresTlsTest, ACertificateForAnotherNameIsRefused) {
  const auto info = connect(url("127.0.0.1", "?sslmode=verify-full"), certificate);
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().reason(), "tls_not_verified");
  EXPECT_EQ(info.error().fact().find("s3cret"), std::string::npos) << info.error().fact();
}

TEST_F(PostgresTlsTest, FollowsLibpqToTheSecondSocketOfOneAttempt) {
  // Refused with TLS, libpq tries again without: a new socket, and as a rule the number of the old one.
  const std::string data(server.exec("postgres", "show data_directory").text(0, 0));
  std::ofstream(data + "/pg_hba.conf") << "local all all trust\nhostnossl all all 127.0.0.1/32 trust\n";
  server.exec("postgres", "select pg_reload_conf()");
  for (int i = 0; i < 20; ++i) {
    const auto info = connect(url("127.0.0.1", "?sslmode=prefer"), "");
    ASSERT_TRUE(info) << info.error().text();
    EXPECT_FALSE(info->tls);
  }
  EXPECT_EQ(connect(url("127.0.0.1", "?sslmode=require"), "").error().kind(), ErrorKind::unauthorised);
}

TEST_F(PostgresTlsTest, ListensThroughTls) {
  const auto give = [text = url("localhost", "?sslmode=require")] { return Result<Secret>(Secret(text)); };
  PostgresFeed feed(loop.io.get_executor(), loop.clock, loop.pool, give, certificate);
  ASSERT_TRUE(loop.run(feed.connect()));
  ASSERT_TRUE(loop.run(feed.listen()));
  EXPECT_TRUE(value_of(loop.run(feed.probe())));
}

}  // namespace
}  // namespace bundlesync::tests
