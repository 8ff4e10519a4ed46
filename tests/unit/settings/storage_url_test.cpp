#include "settings/storage_url.hpp"

#include <gtest/gtest.h>

namespace bundlesync::settings {
namespace {

constexpr const char* forms = "\nhint: write file:///dir or supabase+https://host/storage/v1";
constexpr const char* s3_form = "\nhint: write s3://bucket?region=...&endpoint=...&style=path";

std::string error_of(std::string_view text) {
  const auto url = parse_storage_url(text);
  if (url) return "no error: " + to_string(*url);
  EXPECT_EQ(url.error().kind(), ErrorKind::usage);
  return url.error().text();
}

TEST(StorageUrl, File) {
  EXPECT_EQ(parse_storage_url("file:///srv/store").value(), StorageUrl(FileStore{"/srv/store"}));
  EXPECT_EQ(parse_storage_url("file:///srv/store/").value(), StorageUrl(FileStore{"/srv/store"}));
  EXPECT_EQ(parse_storage_url("file:///").value(), StorageUrl(FileStore{"/"}));
  EXPECT_EQ(parse_storage_url("file:///a%20b%25%3f").value(), StorageUrl(FileStore{"/a b%?"}));
  EXPECT_EQ(parse_storage_url("file:///a@b").value(), StorageUrl(FileStore{"/a@b"}));
  EXPECT_EQ(error_of("file://srv/store"),
            "a file:// storage url must name an absolute path\nhint: write three slashes, as in file:///srv/bundles");
  EXPECT_EQ(error_of("file://"),
            "a file:// storage url must name an absolute path\nhint: write three slashes, as in file:///srv/bundles");
  EXPECT_EQ(error_of("file:///a?b"),
            "a file:// storage url takes no '?' and no '#'\nhint: write %3F and %23 where the path has them");
  EXPECT_EQ(error_of("file:///a%2"), "'/a%2' has a '%' without two hex digits\nhint: write %25 for a '%'");
  EXPECT_EQ(error_of("file:///a%zz"), "'/a%zz' has a '%' without two hex digits\nhint: write %25 for a '%'");
  EXPECT_EQ(error_of("file:///a%00"), "'/a%00' has a '%' without two hex digits\nhint: write %25 for a '%'");
}

TEST(StorageUrl, Supabase) {
  const StorageUrl expected = SupabaseStore{"https://abc.supabase.co", "/storage/v1"};
  EXPECT_EQ(parse_storage_url("supabase+https://abc.supabase.co/storage/v1").value(), expected);
  EXPECT_EQ(parse_storage_url("supabase+https://abc.supabase.co/storage/v1/").value(), expected);
  EXPECT_EQ(parse_storage_url("supabase+https://abc.supabase.co").value(), expected);
  EXPECT_EQ(parse_storage_url("supabase+http://127.0.0.1:54321/s").value(),
            StorageUrl(SupabaseStore{"http://127.0.0.1:54321", "/s"}));
  EXPECT_EQ(parse_storage_url("supabase+http://[::1]:54321").value(),
            StorageUrl(SupabaseStore{"http://[::1]:54321", "/storage/v1"}));
  for (const auto* host : {"", "a b", "host:", "host:0", "host:65536", "host:x", "a/../b:", "[::1", "[zz]:1"}) {
    const std::string authority = std::string(host).substr(0, std::string(host).find('/'));
    if (authority == "a") continue;
    EXPECT_EQ(error_of("supabase+https://" + std::string(host) + "/storage/v1"),
              "'" + authority + "' is not a host, or a host and a port" + forms)
        << host;
  }
  EXPECT_EQ(error_of("supabase+https://h/storage/v1?x=1"),
            std::string("a supabase storage url takes no '?' and no '#'") + forms);
}

TEST(StorageUrl, S3) {
  EXPECT_EQ(parse_storage_url("s3://bundles?region=eu-west-3").value(),
            StorageUrl(S3Store{"bundles", "eu-west-3", "", false}));
  EXPECT_EQ(parse_storage_url("s3://bundles?endpoint=http%3A%2F%2Flocalhost%3A9000&style=path").value(),
            StorageUrl(S3Store{"bundles", "", "http://localhost:9000", true}));
  EXPECT_EQ(error_of("s3://bundles"), std::string("an s3 storage url needs a region or an endpoint") + s3_form);
  EXPECT_EQ(error_of("s3://bundles/sub?region=x"),
            "'bundles/sub' is not a bucket\nhint: a bucket is 3 to 63 of a-z 0-9 . -, without a path behind it");
  EXPECT_EQ(error_of("s3://bundles?regoin=x"),
            "'regoin' is not a known part of an s3 storage url\nhint: did you mean 'region'?");
  EXPECT_EQ(error_of("s3://bundles?region"), std::string("'region' has no '='") + s3_form);
  EXPECT_EQ(error_of("s3://bundles?region=x&style=auto"),
            std::string("style 'auto' is not one of path, virtual") + s3_form);
  EXPECT_EQ(
      error_of("s3://bundles?endpoint=localhost:9000"),
      "endpoint 'localhost:9000' is not an http or https origin\nhint: write it as https://host or https://host:port");
}

TEST(StorageUrl, UnknownKinds) {
  EXPECT_EQ(error_of("/srv/store"), std::string("the storage url has no scheme") + forms);
  EXPECT_EQ(error_of("ftp://host/x"), std::string("'ftp' is not a known scheme of a storage url") + forms);
  EXPECT_EQ(error_of("https://abc.supabase.co"),
            "the storage url does not say what kind of storage it is\nhint: write supabase+https://host/storage/v1");
}

TEST(StorageUrl, NeverPrintsAPassword) {
  for (const auto* scheme : {"supabase+https", "s3", "https", "ftp"}) {
    EXPECT_EQ(error_of(std::string(scheme) + "://user:hunter2@host/x?region=y"),
              "the storage url carries a user or password\nhint: leave them out and set storage.key")
        << scheme;
  }
}

TEST(StorageUrl, HasOneSpelling) {
  for (const auto* text : {"file:///srv/store", "file:///a%20b", "supabase+https://h:1/storage/v1",
                           "s3://bundles?region=x", "s3://bundles?region=x&endpoint=https://h:1&style=path"}) {
    EXPECT_EQ(to_string(parse_storage_url(text).value()), text);
  }
}

}  // namespace
}  // namespace bundlesync::settings
