#include "bundle/bundle.hpp"
#include "run.hpp"
#include "sinks_for_tests.hpp"
#include "storage/key_rules.hpp"
#include "storage/sinks.hpp"
#include "storage_bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace bundlesync::storage::contract {
namespace {

using test::begin;
using test::Ended;
using test::run_until;

struct Subject {
  std::string name;
  std::function<std::unique_ptr<Bench>()> make;
};

class StorageContract : public testing::TestWithParam<Subject> {
 protected:
  void SetUp() override { bench_ = GetParam().make(); }
  Storage& storage() { return bench_->storage(); }
  template <class T>
  T run(Task<T> task) {
    return test::run(bench_->loop(), std::move(task));
  }

  void given(const std::string& key, const std::string& bytes) {
    const auto done = run(storage().upload(key, bytes, "text/plain"));
    ASSERT_TRUE(done) << done.error().text();
  }
  std::string bytes_of(const std::string& key) {
    StringSink sink;
    const auto done = run(storage().download(key, 64 << 20, sink));
    EXPECT_TRUE(done) << done.error().text();
    return sink.bytes();
  }
  std::vector<std::string> keys(const std::string& prefix) {
    const auto listed = run(storage().list(prefix));
    EXPECT_TRUE(listed) << listed.error().text();
    std::vector<std::string> names;
    if (listed) {
      for (const auto& info : *listed) names.push_back(info.key);
    }
    return names;
  }

  std::unique_ptr<Bench> bench_;
};

TEST_P(StorageContract, HandsOnTheBytesThatWereUploaded) {
  given("section7/v1.0.0/section7_master.md", "# master\n");
  StringSink sink;
  const auto info = run(storage().download("section7/v1.0.0/section7_master.md", 100, sink));
  ASSERT_TRUE(info) << info.error().text();
  EXPECT_EQ(sink.bytes(), "# master\n");
  EXPECT_EQ(info->key, "section7/v1.0.0/section7_master.md");
  EXPECT_EQ(info->size, 9U);
}

TEST_P(StorageContract, KeepsEmptyObjects) {
  given("t/v1.0.0/empty", "");
  PieceSink sink;
  const auto info = run(storage().download("t/v1.0.0/empty", 0, sink));
  ASSERT_TRUE(info) << info.error().text();
  EXPECT_EQ(info->size, 0U);
  EXPECT_EQ(sink.whole, "");
}

TEST_P(StorageContract, HandsOnPiecesOfAtMost64KiBInOrder) {
  const std::string bytes = pattern(300'001);
  given("t/v1.0.0/big.bin", bytes);
  PieceSink sink;
  const auto info = run(storage().download("t/v1.0.0/big.bin", bytes.size(), sink));
  ASSERT_TRUE(info) << info.error().text();
  EXPECT_EQ(info->size, bytes.size());
  EXPECT_TRUE(sink.whole == bytes);
  for (const auto piece : sink.pieces) EXPECT_LE(piece, piece_bytes_max);
}

TEST_P(StorageContract, StopsAtTheLimitAndHandsOnNoMore) {
  given("t/v1.0.0/big.bin", pattern(200'000));
  for (const std::uint64_t limit :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{65'536}, std::uint64_t{199'999}}) {
    PieceSink sink;
    const auto info = run(storage().download("t/v1.0.0/big.bin", limit, sink));
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().kind(), ErrorKind::refused);
    EXPECT_EQ(info.error().reason(), "object_too_large");
    EXPECT_EQ(info.error().fact(), "the object 't/v1.0.0/big.bin' is larger than " + std::to_string(limit) + " bytes");
    EXPECT_LE(sink.whole.size(), limit);
  }
  PieceSink sink;
  EXPECT_TRUE(run(storage().download("t/v1.0.0/big.bin", 200'000, sink)));
}

TEST_P(StorageContract, EndsADownloadWithTheSinksError) {
  given("t/v1.0.0/big.bin", pattern(200'000));
  FullSink sink(1);
  const auto info = run(storage().download("t/v1.0.0/big.bin", 1 << 20, sink));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().kind(), ErrorKind::no_space);
  EXPECT_EQ(info.error().fact(), "the sink is full");
}

TEST_P(StorageContract, RepeatsDownloads) {
  given("t/v1.0.0/a", "same");
  EXPECT_EQ(bytes_of("t/v1.0.0/a"), "same");
  EXPECT_EQ(bytes_of("t/v1.0.0/a"), "same");
}

TEST_P(StorageContract, SaysThatAnObjectIsMissing) {
  given("t/v1.0.0/there", "x");
  for (const std::string key :
       {"t/v1.0.0/gone", "t/v9.9.9/gone", "unknown/v1.0.0/gone", "t/v1.0.0", "t/v1.0.0/there/below"}) {
    StringSink sink;
    const auto info = run(storage().download(key, 100, sink));
    ASSERT_FALSE(info) << key;
    EXPECT_EQ(info.error().kind(), ErrorKind::not_found) << key;
    EXPECT_EQ(info.error().reason(), "object_missing");
    // Where a missing permission looks the same, what was answered to whom follows.
    const std::string missing = "there is no object '" + key + "' in " + storage().describe();
    EXPECT_TRUE(info.error().fact() == missing || info.error().fact().starts_with(missing + ": "))
        << info.error().fact();
    EXPECT_EQ(sink.bytes(), "");

    const auto facts = run(storage().stat(key));
    ASSERT_FALSE(facts) << key;
    EXPECT_EQ(facts.error().reason(), "object_missing");
  }
}

TEST_P(StorageContract, NeverReplacesAnObject) {
  given("t/v1.0.0/a", "first");
  for (const std::string bytes : {"second", "first"}) {
    const auto again = run(storage().upload("t/v1.0.0/a", bytes, "text/plain"));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind(), ErrorKind::conflict);
    EXPECT_EQ(again.error().reason(), "object_exists");
    EXPECT_EQ(again.error().fact(), "the object 't/v1.0.0/a' exists already in " + storage().describe());
  }
  EXPECT_EQ(bytes_of("t/v1.0.0/a"), "first");
  EXPECT_EQ(keys("t"), std::vector<std::string>{"t/v1.0.0/a"});
}

TEST_P(StorageContract, TellsTheSizeOfAnObject) {
  given("t/v1.0.0/a", "12345");
  const auto info = run(storage().stat("t/v1.0.0/a"));
  ASSERT_TRUE(info) << info.error().text();
  EXPECT_EQ(info->key, "t/v1.0.0/a");
  EXPECT_EQ(info->size, 5U);
}

TEST_P(StorageContract, ListsWhatLiesBelowAPrefixSortedByKey) {
  given("t/v1.0.0/b", "22");
  given("t/v1.0.0/a/deep/er", "1");
  given("t/v1.0.0/a-b", "333");
  given("t/v1.0.01/other", "x");
  given("t2/v1.0.0/other", "x");
  const auto listed = run(storage().list("t/v1.0.0"));
  ASSERT_TRUE(listed) << listed.error().text();
  ASSERT_EQ(listed->size(), 3U);
  EXPECT_EQ((*listed)[0].key, "t/v1.0.0/a-b");
  EXPECT_EQ((*listed)[0].size, 3U);
  EXPECT_EQ((*listed)[1].key, "t/v1.0.0/a/deep/er");
  EXPECT_EQ((*listed)[1].size, 1U);
  EXPECT_EQ((*listed)[2].key, "t/v1.0.0/b");
  EXPECT_EQ((*listed)[2].size, 2U);
}

TEST_P(StorageContract, ListsNothingBelowAnUnknownPrefix) {
  given("t/v1.0.0/a", "x");
  EXPECT_EQ(keys("t/v2.0.0"), std::vector<std::string>{});
  EXPECT_EQ(keys("u"), std::vector<std::string>{});
  EXPECT_EQ(keys("t/v1.0.0/a"), std::vector<std::string>{});
}

TEST_P(StorageContract, RemovesAnObjectOnceAndForAll) {
  given("t/v1.0.0/a", "x");
  given("t/v1.0.0/b", "y");
  EXPECT_TRUE(run(storage().remove("t/v1.0.0/a")));
  EXPECT_TRUE(run(storage().remove("t/v1.0.0/a")));
  EXPECT_TRUE(run(storage().remove("never/v1.0.0/there")));
  EXPECT_EQ(keys("t"), std::vector<std::string>{"t/v1.0.0/b"});
  given("t/v1.0.0/a", "new");
  EXPECT_EQ(bytes_of("t/v1.0.0/a"), "new");
}

TEST_P(StorageContract, RefusesBadKeysBeforeAnythingIsAsked) {
  const std::vector<std::string> bad = {"",
                                        "/",
                                        "/etc/passwd",
                                        "//",
                                        "a//b",
                                        "a/",
                                        "/a/",
                                        "a/b/",
                                        ".",
                                        "..",
                                        "./a",
                                        "../a",
                                        "a/.",
                                        "a/..",
                                        "a/../b",
                                        "a/./b",
                                        "../../etc/passwd",
                                        "t/v1.0.0/../../../x",
                                        "a/b/..",
                                        "...//..",
                                        "a\\b",
                                        "\\a",
                                        "..\\a",
                                        "a%2fb",
                                        "%2e%2e/a",
                                        "a%00",
                                        "%",
                                        "http://host/a",
                                        "file:///etc/passwd",
                                        "c:/a",
                                        "a:b",
                                        ":",
                                        "a?b",
                                        "a/b?token=1",
                                        "a#b",
                                        "#",
                                        std::string("a\0b", 3),
                                        std::string("\0", 1),
                                        "a\nb",
                                        "a\r\nb",
                                        "a\tb",
                                        "\x01",
                                        "a\x1f"
                                        "b",
                                        "a\x7f"
                                        "b",
                                        ".bundlesync-upload-1",
                                        "t/.bundlesync-x/a",
                                        std::string(1025, 'a'),
                                        "t/" + std::string(256, 'b'),
                                        std::string(256, 'c') + "/a"};
  ASSERT_GE(bad.size(), 40U);
  for (const auto& key : bad) {
    StringSink sink;
    const auto downloaded = run(storage().download(key, 100, sink));
    const auto uploaded = run(storage().upload(key, "x", "text/plain"));
    const auto facts = run(storage().stat(key));
    const auto listed = run(storage().list(key));
    const auto removed = run(storage().remove(key));
    const auto refused = [](const auto& result) {
      return !result && result.error().kind() == ErrorKind::refused && result.error().reason() == "key_invalid";
    };
    EXPECT_TRUE(refused(downloaded)) << quoted_key(key);
    EXPECT_TRUE(refused(uploaded)) << quoted_key(key);
    EXPECT_TRUE(refused(facts)) << quoted_key(key);
    EXPECT_TRUE(refused(listed)) << quoted_key(key);
    EXPECT_TRUE(refused(removed)) << quoted_key(key);
  }
}

TEST_P(StorageContract, TakesEveryKeyThatABundlesPathCanMake) {
  std::vector<std::string> good = {"t/v1.0.0-rc.1+linux/a.md", "t/v1.0.0/A_b-c.d@e=f,g(h) i.md",
                                   "t/v1.0.0/1/2/3/4/5/6/7/8",
                                   "t/v1.0.0/" + std::string(100, 'x') + "/" + std::string(99, 'y')};
  if (bench_->takes_non_ascii_keys()) good.emplace_back("t/v1.0.0/é.md");
  for (const auto& key : good) {
    given(key, key);
    EXPECT_EQ(bytes_of(key), key);
  }
  EXPECT_EQ(keys("t").size(), good.size());
}

TEST_P(StorageContract, ServesCallsSideBySide) {
  constexpr std::size_t count = 24;
  asio::io_context& loop = bench_->loop();
  std::vector<Ended<Result<void>>> uploads(count);
  for (std::size_t i = 0; i < count; ++i) {
    begin(loop,
          storage().upload("t/v1.0.0/dir" + std::to_string(i % 3) + "/f" + std::to_string(i), pattern(70'000 + i), ""),
          uploads[i]);
  }
  ASSERT_TRUE(run_until(loop, [&] { return std::ranges::all_of(uploads, &Ended<Result<void>>::done); }));
  for (const auto& upload : uploads) EXPECT_TRUE(upload.value && *upload.value);

  std::vector<Ended<Result<ObjectInfo>>> downloads(count);
  std::vector<StringSink> sinks(count);
  for (std::size_t i = 0; i < count; ++i) {
    begin(loop,
          storage().download("t/v1.0.0/dir" + std::to_string(i % 3) + "/f" + std::to_string(i), 1 << 20, sinks[i]),
          downloads[i]);
  }
  ASSERT_TRUE(run_until(loop, [&] { return std::ranges::all_of(downloads, &Ended<Result<ObjectInfo>>::done); }));
  for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(sinks[i].bytes() == pattern(70'000 + i)) << i;
}

TEST_P(StorageContract, LetsOneOfManyUploadsOfAKeyWin) {
  constexpr std::size_t count = 8;
  asio::io_context& loop = bench_->loop();
  std::vector<Ended<Result<void>>> uploads(count);
  for (std::size_t i = 0; i < count; ++i)
    begin(loop, storage().upload("t/v1.0.0/one", std::string(1000, static_cast<char>('a' + i)), ""), uploads[i]);
  ASSERT_TRUE(run_until(loop, [&] { return std::ranges::all_of(uploads, &Ended<Result<void>>::done); }));

  // Whatever is read is one of the objects that were said to be made: whole, and none that was refused.
  const std::string kept = bytes_of("t/v1.0.0/one");
  std::size_t won = 0;
  std::size_t is_kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(uploads[i].value);
    if (*uploads[i].value) {
      ++won;
      if (kept == std::string(1000, static_cast<char>('a' + i))) ++is_kept;
    } else {
      EXPECT_EQ(uploads[i].value->error().reason(), "object_exists");
    }
  }
  EXPECT_EQ(is_kept, 1U);
  if (bench_->creates_atomically()) {
    EXPECT_EQ(won, 1U);
  }
  EXPECT_EQ(keys("t"), std::vector<std::string>{"t/v1.0.0/one"});
}

TEST_P(StorageContract, EndsACancelledCallAtOnceWhileTheMediumHangs) {
  given("t/v1.0.0/stuck", "x");
  given("t/v1.0.0/free", "y");
  bench_->hang("t/v1.0.0/stuck");
  asio::io_context& loop = bench_->loop();
  asio::cancellation_signal cancel;
  Ended<Result<ObjectInfo>> stuck;
  StringSink sink;
  begin(loop, storage().download("t/v1.0.0/stuck", 100, sink), stuck, &cancel);
  run_until(loop, [&] { return stuck.done(); }, std::chrono::milliseconds(150));
  EXPECT_FALSE(stuck.done()) << "the medium did not hang";

  Ended<Result<ObjectInfo>> other;
  StringSink other_sink;
  begin(loop, storage().download("t/v1.0.0/free", 100, other_sink), other);
  EXPECT_TRUE(run_until(loop, [&] { return other.done(); }));
  EXPECT_EQ(other_sink.bytes(), "y");

  const auto before = std::chrono::steady_clock::now();
  cancel.emit(asio::cancellation_type::terminal);
  ASSERT_TRUE(run_until(loop, [&] { return stuck.done(); }, std::chrono::milliseconds(2000)));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(500));
  EXPECT_TRUE(stuck.error) << "a cancelled call throws";
  EXPECT_EQ(sink.bytes(), "");

  bench_->release("t/v1.0.0/stuck");
  EXPECT_EQ(bytes_of("t/v1.0.0/stuck"), "x");
}

TEST_P(StorageContract, SaysUnavailableWhileTheMediumIsAway) {
  given("t/v1.0.0/a", "x");
  bench_->take_away();
  StringSink sink;
  const auto info = run(storage().download("t/v1.0.0/a", 100, sink));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().kind(), ErrorKind::unavailable);
  EXPECT_TRUE(info.error().may_pass());
  EXPECT_EQ(sink.bytes(), "");
  const auto facts = run(storage().stat("t/v1.0.0/a"));
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().kind(), ErrorKind::unavailable);
  const auto listed = run(storage().list("t/v1.0.0"));
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().kind(), ErrorKind::unavailable);
  const auto removed = run(storage().remove("t/v1.0.0/a"));
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().kind(), ErrorKind::unavailable);
}

TEST_P(StorageContract, DescribesItselfForPeople) {
  EXPECT_NE(storage().describe().find("://"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Of, StorageContract,
                         testing::Values(Subject{"Memory", make_memory_bench}, Subject{"File", make_file_bench},
                                         Subject{"RetryingFile", make_retrying_file_bench},
                                         Subject{"Supabase", make_supabase_bench},
                                         Subject{"RetryingSupabase", make_retrying_supabase_bench}),
                         [](const auto& subject) { return subject.param.name; });

}  // namespace
}  // namespace bundlesync::storage::contract
