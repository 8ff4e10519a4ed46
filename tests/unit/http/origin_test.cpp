#include "storage/http/origin.hpp"

#include "storage/http/client.hpp"
#include "storage/http/request_head.hpp"

#include <gtest/gtest.h>

namespace bundlesync::storage::http {
namespace {

TEST(Origin, ReadsSchemeHostAndPort) {
  const auto plain = parse_origin("http://storage:5000").value();
  EXPECT_FALSE(plain.tls);
  EXPECT_EQ(plain.host, "storage");
  EXPECT_EQ(plain.port, 5000);
  EXPECT_EQ(plain.to_string(), "http://storage:5000");

  const auto tls = parse_origin("https://abc.supabase.co").value();
  EXPECT_TRUE(tls.tls);
  EXPECT_EQ(tls.port, 443);
  EXPECT_EQ(tls.to_string(), "https://abc.supabase.co");
  EXPECT_EQ(parse_origin("http://h").value().port, 80);
  EXPECT_EQ(parse_origin("http://h:80").value().to_string(), "http://h");
  EXPECT_EQ(parse_origin("http://h:443").value().to_string(), "http://h:443");
}

TEST(Origin, KeepsTheBracketsOfAnAddressOutOfTheHost) {
  const auto origin = parse_origin("https://[::1]:8443").value();
  EXPECT_EQ(origin.host, "::1");
  EXPECT_EQ(origin.to_string(), "https://[::1]:8443");
  EXPECT_EQ(parse_origin("http://[fe80::1]").value().to_string(), "http://[fe80::1]");
}

TEST(Origin, RefusesWhatIsNoOriginAndShowsNothingOfIt) {
  for (const auto* text : {"", "h", "ftp://h", "https://", "https://h/", "https://h?x", "https://user:secret@h",
                           "https://h:0", "https://h:65536", "https://h:", "https://h:1x", "https://h h", "https://::1",
                           "https://[::1", "https://[h]", "https://h\r\nX: y"}) {
    const auto origin = parse_origin(text);
    ASSERT_FALSE(origin) << text;
    EXPECT_EQ(origin.error().kind(), ErrorKind::usage);
    EXPECT_EQ(origin.error().text(),
              "the address of the storage is no http or https origin\n"
              "hint: write https://host or https://host:port, without a path, user or password");
  }
}

TEST(Origin, TellsOfARedirectOnlyTheOrigin) {
  EXPECT_EQ(place_of_redirect("https://other:81/path?token=secret#x"), "https://other:81");
  EXPECT_EQ(place_of_redirect("HTTP://user:secret@Other/path"), "http://Other");
  EXPECT_EQ(place_of_redirect("https://user:secret@[::1]:82"), "https://[::1]:82");
  EXPECT_EQ(place_of_redirect("/login?token=secret"), "another path");
  EXPECT_EQ(place_of_redirect("//other/x"), "another host");
  EXPECT_EQ(place_of_redirect(""), "another path");
  EXPECT_EQ(place_of_redirect("https://a b/secret"), "an address that cannot be read");
  EXPECT_EQ(place_of_redirect("javascript://x/secret"), "an address that cannot be read");
}

TEST(RequestHead, SendsOurHeadersThenTheCallers) {
  Options options;
  options.version = "1.2.3";
  Request request("PUT", "/o/a%20b?x=1");
  request.headers.emplace_back("apikey", "k");
  request.body = "four";
  EXPECT_EQ(request_head(parse_origin("https://h:8443").value(), request, options).value(),
            "PUT /o/a%20b?x=1 HTTP/1.1\r\nHost: h:8443\r\nUser-Agent: bundlesync/1.2.3\r\nAccept-Encoding: identity\r\n"
            "Content-Length: 4\r\napikey: k\r\n\r\n");
}

TEST(RequestHead, SaysTheLengthOfABodyThatIsEmptyButMeant) {
  const auto origin = parse_origin("http://h").value();
  EXPECT_EQ(
      request_head(origin, Request("POST", "/"), Options()).value(),
      "POST / HTTP/1.1\r\nHost: h\r\nUser-Agent: bundlesync\r\nAccept-Encoding: identity\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(request_head(origin, Request("GET", "/"), Options()).value(),
            "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: bundlesync\r\nAccept-Encoding: identity\r\n\r\n");
}

TEST(RequestHead, RefusesALineBreakInAKeyWithoutShowingIt) {
  Request request("GET", "/");
  request.headers.emplace_back("Authorization", "Bearer secret\nX: y");
  const auto head = request_head(parse_origin("http://h").value(), request, Options());
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind(), ErrorKind::usage);
  EXPECT_EQ(head.error().reason(), "bad_request");
  EXPECT_EQ(
      head.error().text(),
      "the header Authorization of a request holds a control byte\nhint: is there a line break in a key or token?");
}

TEST(RequestHead, RefusesAPathThatWouldBreakItsLine) {
  for (const auto* target : {"", "a", "/a b", "/a\r\n", "/\xc3\xa9"}) {
    const auto head = request_head(parse_origin("http://h").value(), Request("GET", target), Options());
    ASSERT_FALSE(head) << target;
    EXPECT_EQ(head.error().text(),
              "the path of a request holds a byte that has no place in it\nhint: escape it with %");
  }
}

TEST(RequestHead, RepeatsOnlyWhatChangesNothingTwice) {
  EXPECT_TRUE(is_repeatable(Request("GET", "/")));
  EXPECT_TRUE(is_repeatable(Request("HEAD", "/")));
  EXPECT_TRUE(is_repeatable(Request("DELETE", "/")));
  EXPECT_FALSE(is_repeatable(Request("POST", "/")));
  EXPECT_FALSE(is_repeatable(Request("PUT", "/")));
  Request many("DELETE", "/");
  many.body = "{}";
  EXPECT_FALSE(is_repeatable(many));
}

}  // namespace
}  // namespace bundlesync::storage::http
