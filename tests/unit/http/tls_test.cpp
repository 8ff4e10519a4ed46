#include "support/temp_dir.hpp"
#include "unit/http/http_bench.hpp"

#include <cstdlib>
#include <fstream>

namespace bundlesync::storage::http {
namespace {

class Tls : public HttpBench {
 protected:
  tests::TempDir dir;
  tests::CertificateAuthority authority;

  std::string file_of(const tests::CertificateAuthority& of, const std::string& name) {
    std::ofstream(dir / name) << of.certificate_pem();
    return dir / name;
  }
  void trust_authority() { options.ca_file = file_of(authority, "ca.pem"); }
  tests::LiarOptions with(const std::vector<std::string>& names, tests::Validity validity = tests::Validity::current,
                          tests::TlsVersions versions = tests::TlsVersions::from_1_2) {
    tests::LiarOptions server;
    server.tls = authority.issue(names, validity);
    server.tls_versions = versions;
    return server;
  }
  static std::string at(const LiarServer& server, std::string host = "localhost") {
    return fmt::format("https://{}:{}", host, server.port());
  }
  Result<Response> get(const LiarServer& server, std::string host = "localhost") {
    Request request("GET", "/a");
    request.headers.emplace_back("Authorization", "Bearer secret");
    return stream(origin_of(server, true, std::move(host)), 1'000'000, request);
  }
};

TEST_F(Tls, StreamsFromAServerWhoseAuthorityIsTrusted) {
  trust_authority();
  std::string body;
  while (body.size() < 500'000) body += fmt::format("{} ", body.size());
  LiarServer server(tests::always(answer_of(body)), with({"localhost", "127.0.0.1"}));
  EXPECT_EQ(told(get(server)), "status 200");
  EXPECT_TRUE(sink.bytes() == body);
  EXPECT_EQ(told(get(server, "127.0.0.1")), "status 200");
}

TEST_F(Tls, SendsABodyOfManyPiecesWhole) {
  trust_authority();
  LiarServer server(tests::always(answer_of("{}")), with({"localhost"}));
  Request request("POST", "/o");
  request.body.assign(1'000'000, 'b');
  EXPECT_EQ(told(send(origin_of(server, true, "localhost"), request)), "status 200");
  EXPECT_TRUE(server.requests().at(0).ends_with("\r\n\r\n" + request.body));
}

TEST_F(Tls, KeepsAConnectionOpenForMore) {
  trust_authority();
  LiarServer server(tests::always(answer_of("hello")), with({"localhost"}));
  Client client(io.get_executor(), origin_of(server, true, "localhost"), options);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(run(client.send(Request("GET", "/a"))).value().body, "hello");
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(Tls, ConnectionIsNotKeptAfterMoreThanTheAnswer) {
  trust_authority();
  LiarServer server(
      [](LiarPeer& peer) {
        peer.read_request();
        peer.send(answer_of("hello"));
        peer.send(answer_of("poison"));  // in a record of its own
        peer.wait_closed(20s);
      },
      with({"localhost"}));
  Client client(io.get_executor(), origin_of(server, true, "localhost"), options);
  EXPECT_EQ(run(client.send(Request("GET", "/a"))).value().body, "hello");
  run_until([] { return false; }, 100ms);
  EXPECT_EQ(run(client.send(Request("GET", "/a"))).value().body, "hello");
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(Tls, UnknownAuthorityIsSaidWithWhereToNameIt) {
  LiarServer server(tests::always(answer_of("hello")), with({"localhost"}));
  EXPECT_EQ(told(get(server)),
            "unavailable/tls_untrusted: the certificate of " + at(server) +
                " is not signed by an authority trusted here: unable to get local issuer certificate\n"
                "hint: is the authority a private one? name a file with its certificate in storage.ca");
  EXPECT_EQ(server.requests().size(), 0u);
}

TEST_F(Tls, AuthorityOfTheSameNameIsNotTheSame) {
  const tests::CertificateAuthority twin;
  options.ca_file = file_of(twin, "twin.pem");
  LiarServer server(tests::always(answer_of("hello")), with({"localhost"}));
  const auto answer = get(server);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason(), "tls_untrusted");
  EXPECT_EQ(server.requests().size(), 0u);
}

TEST_F(Tls, WrongHostIsSaid) {
  trust_authority();
  LiarServer server(tests::always(answer_of("hello")), with({"storage.example"}));
  EXPECT_EQ(told(get(server)), "unavailable/tls_wrong_host: the certificate of " + at(server) +
                                   " is not for 'localhost'\n"
                                   "hint: does storage.url name the host as its certificate does?");
  EXPECT_EQ(told(get(server, "127.0.0.1")), "unavailable/tls_wrong_host: the certificate of " +
                                                at(server, "127.0.0.1") +
                                                " is not for '127.0.0.1'\n"
                                                "hint: does storage.url name the host as its certificate does?");
  EXPECT_EQ(server.requests().size(), 0u);
}

TEST_F(Tls, ExpiredCertificateIsSaid) {
  trust_authority();
  LiarServer server(tests::always(answer_of("hello")), with({"localhost"}, tests::Validity::expired));
  EXPECT_EQ(told(get(server)), "unavailable/tls_expired: the certificate of " + at(server) +
                                   " has expired\n"
                                   "hint: renew it on the server; is this machine's clock right?");
  EXPECT_EQ(server.requests().size(), 0u);
}

TEST_F(Tls, CertificateOfTomorrowIsSaid) {
  trust_authority();
  LiarServer server(tests::always(answer_of("hello")), with({"localhost"}, tests::Validity::not_yet));
  EXPECT_EQ(told(get(server)), "unavailable/tls_not_yet_valid: the certificate of " + at(server) +
                                   " is not valid yet\nhint: is this machine's clock right?");
}

TEST_F(Tls, OlderVersionsAreNeverSpoken) {
  trust_authority();
  for (const auto versions : {tests::TlsVersions::only_1_0, tests::TlsVersions::only_1_1}) {
    LiarServer server(tests::always(answer_of("hello")), with({"localhost"}, tests::Validity::current, versions));
    EXPECT_EQ(told(get(server)), "unavailable/tls_too_old: " + at(server) +
                                     " speaks no TLS newer than 1.1\n"
                                     "hint: turn TLS 1.2 or 1.3 on there: older ones are never used");
    EXPECT_EQ(server.requests().size(), 0u);
  }
}

TEST_F(Tls, PlainHttpAtTheTlsPortIsSaid) {
  LiarServer server([](LiarPeer& peer) {
    peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    peer.wait_closed(20s);
  });
  EXPECT_EQ(told(get(server)), "unavailable/tls_not_spoken: " + at(server) +
                                   " does not answer in TLS\n"
                                   "hint: is it plain http at that port? then storage.url must say so, and its key "
                                   "travels in the clear");
}

TEST_F(Tls, TlsAtThePlainPortIsSaid) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send("\x15\x03\x01" + std::string("\0\2\2\x46", 4));  // the alert protocol_version
  });
  const auto answer = send(origin_of(server, false, "localhost"));
  EXPECT_EQ(told(answer),
            fmt::format("refused/not_http: http://localhost:{} does not answer in HTTP/1\n"
                        "hint: does the port in storage.url speak HTTP? if it speaks TLS, storage.url must say https",
                        server.port()));
}

TEST_F(Tls, EndInTheHandshakeIsSaid) {
  LiarServer server([](LiarPeer&) {});
  EXPECT_EQ(told(get(server)), "unavailable/connection_reset: " + at(server) +
                                   " closed the connection during the TLS handshake\n"
                                   "hint: does that port speak TLS? is the server restarting?");
}

TEST_F(Tls, TruncatedBodyIsSaid) {
  trust_authority();
  LiarServer server(
      [](LiarPeer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
        peer.cut();
      },
      with({"localhost"}));
  EXPECT_EQ(told(get(server)), "unavailable/truncated: " + at(server) +
                                   " closed the connection after 10 of the 100 bytes it declared\n"
                                   "hint: is the server, or a proxy before it, overloaded or restarting?");
}

TEST_F(Tls, BodyOfUnsaidLengthEndsOnlyWithAFarewell) {
  trust_authority();
  LiarServer honest(
      [](LiarPeer& peer) {
        peer.read_request();
        peer.send("HTTP/1.0 200 OK\r\n\r\nhello");
        peer.close();
      },
      with({"localhost"}));
  EXPECT_EQ(told(get(honest)), "status 200");
  EXPECT_EQ(sink.bytes(), "hello");
  LiarServer cutting(
      [](LiarPeer& peer) {
        peer.read_request();
        peer.send("HTTP/1.0 200 OK\r\n\r\nhello");
        peer.cut();  // anybody on the way can do that
      },
      with({"localhost"}));
  EXPECT_EQ(told(get(cutting)), "unavailable/truncated: " + at(cutting) +
                                    " closed the connection in its answer, after 5 bytes\n"
                                    "hint: is the server, or a proxy before it, overloaded or restarting?");
}

TEST_F(Tls, NobodyWaitsForTheServersFarewell) {
  trust_authority();
  LiarServer server(
      [](LiarPeer& peer) {
        peer.read_request();
        peer.send(answer_of("hello", 200, "Connection: close\r\n"));
        peer.wait_closed(20s);
      },
      with({"localhost"}));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(told(get(server)), "status 200");
  EXPECT_TRUE(server.wait_idle());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(Tls, FileOfAuthoritiesThatIsMissingIsSaid) {
  options.ca_file = dir / "none.pem";
  LiarServer server(tests::always(answer_of("hello")), with({"localhost"}));
  EXPECT_EQ(told(get(server)), "unavailable/tls_ca_unreadable: unable to read certificates from '" + options.ca_file +
                                   "': No such file or directory\n"
                                   "hint: storage.ca must name a readable file of PEM certificates");
  std::ofstream(dir / "none.pem") << "no certificate\n";
  EXPECT_EQ(told(get(server)), "unavailable/tls_ca_unreadable: unable to read certificates from '" + options.ca_file +
                                   "': it holds no certificate\n"
                                   "hint: storage.ca must name a readable file of PEM certificates");
}

TEST_F(Tls, FileOfAuthoritiesIsReadAnewWhenItChanged) {
  const tests::CertificateAuthority other("another authority");
  options.ca_file = file_of(other, "ca.pem");
  options.idle_max = 0;
  LiarServer server(tests::always(answer_of("hello")), with({"localhost"}));
  Client client(io.get_executor(), origin_of(server, true, "localhost"), options);
  EXPECT_EQ(run(client.send(Request("GET", "/a"))).error().reason(), "tls_untrusted");
  file_of(authority, "ca.pem");
  EXPECT_EQ(told(run(client.send(Request("GET", "/a")))), "status 200");
}

TEST_F(Tls, TrustsTheSystemsAuthoritiesBesidesTheFiles) {
  const tests::CertificateAuthority system("an authority of the system");
  const auto system_file = file_of(system, "system.pem");
  ASSERT_EQ(::setenv("SSL_CERT_FILE", system_file.c_str(), 1), 0);  // where OpenSSL looks for the system's
  trust_authority();
  tests::LiarOptions of_system;
  of_system.tls = system.issue({"localhost"});
  LiarServer by_system(tests::always(answer_of("hello")), of_system);
  LiarServer by_file(tests::always(answer_of("hello")), with({"localhost"}));
  EXPECT_EQ(told(get(by_system)), "status 200");
  EXPECT_EQ(told(get(by_file)), "status 200");
  ::unsetenv("SSL_CERT_FILE");
}

TEST_F(Tls, DeadlineIsKeptOverTls) {
  trust_authority();
  LiarServer server(
      [](LiarPeer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
        while (peer.send("x") && peer.pause(100ms)) {
        }
      },
      with({"localhost"}));
  options.deadlines.low_speed = 500ms;
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(told(get(server)), "timed_out/low_speed_timeout: " + at(server) +
                                   " sent less than 1KiB of the answer in 500ms\n"
                                   "hint: is the server or the network between overloaded?");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2500ms);
}

}  // namespace
}  // namespace bundlesync::storage::http
