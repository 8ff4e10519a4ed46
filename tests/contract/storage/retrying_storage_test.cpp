#include "fakes/memory_storage.hpp"
#include "run.hpp"
#include "storage/retrying.hpp"
#include "storage/sinks.hpp"

#include <gtest/gtest.h>

namespace bundlesync::storage {
namespace {

using test::run;

/// Notes every wait and ends it at once; a wait of a deadline's length never ends.
class NotingClock final : public async::Clock {
 public:
  async::Steady now() const override { return now_; }
  async::Wall wall_now() const override { return async::Wall(); }
  Task<> sleep_until(async::Steady when) override {
    if (when - now_ >= std::chrono::seconds(30) && !deadlines_come_) {
      auto executor = co_await asio::this_coro::executor;
      asio::steady_timer never(executor, asio::steady_timer::time_point::max());
      co_await never.async_wait(asio::use_awaitable);
    }
    waits.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(when - now_));
    now_ = when;
  }
  void let_deadlines_come() { deadlines_come_ = true; }
  std::vector<std::chrono::milliseconds> waits;

 private:
  async::Steady now_;
  bool deadlines_come_ = false;
};

class Retrying : public testing::Test {
 protected:
  void SetUp() override {
    auto memory = std::make_unique<fakes::MemoryStorage>();
    memory_ = memory.get();
    storage_ = RetryingStorage::around(std::move(memory), clock_, RetryPolicy(), 7);
  }
  const Error away_ = Error(ErrorKind::unavailable, "the store is away");
  NotingClock clock_;
  fakes::MemoryStorage* memory_ = nullptr;
  std::unique_ptr<Storage> storage_;
};

TEST_F(Retrying, RepeatsWhatMayPassUntilItPasses) {
  memory_->put("t/v1/a", "x");
  memory_->fail_next(3, away_);
  StringSink sink;
  const auto info = run(storage_->download("t/v1/a", 10, sink));
  ASSERT_TRUE(info) << info.error().text();
  EXPECT_EQ(sink.bytes(), "x");
  EXPECT_EQ(memory_->asked().size(), 4U);
  ASSERT_EQ(clock_.waits.size(), 3U);
  EXPECT_LE(clock_.waits[0].count(), 200);
  EXPECT_LE(clock_.waits[1].count(), 400);
  EXPECT_LE(clock_.waits[2].count(), 800);
}

TEST_F(Retrying, GivesUpAfterItsAttemptsWithTheLastError) {
  memory_->put("t/v1/a", "x");
  memory_->fail_next(9, away_);
  const auto facts = run(storage_->stat("t/v1/a"));
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().fact(), "the store is away");
  EXPECT_EQ(memory_->asked().size(), 4U);
}

TEST_F(Retrying, RepeatsNothingThatIsFinal) {
  for (const auto kind : {ErrorKind::refused, ErrorKind::unauthorised, ErrorKind::failed, ErrorKind::not_found}) {
    memory_->forget_asked();
    memory_->fail_next(1, Error(kind, "no"));
    const auto listed = run(storage_->list("t"));
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().kind(), kind);
    EXPECT_EQ(memory_->asked().size(), 1U);
  }
  EXPECT_TRUE(clock_.waits.empty());
}

TEST_F(Retrying, LeavesADownloadAloneOnceItsSinkSawBytes) {
  memory_->put("t/v1/a", std::string(100'000, 'a'));
  memory_->break_after("t/v1/a", 70'000, away_);
  StringSink sink;
  const auto info = run(storage_->download("t/v1/a", 1 << 20, sink));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().fact(), "the store is away");
  EXPECT_EQ(sink.bytes().size(), 70'000U);
  EXPECT_EQ(memory_->asked().size(), 1U);

  memory_->break_after("t/v1/a", 0, away_);
  memory_->forget_asked();
  StringSink untouched;
  EXPECT_FALSE(run(storage_->download("t/v1/a", 1 << 20, untouched)));
  EXPECT_EQ(memory_->asked().size(), 4U);
}

TEST_F(Retrying, KnowsItsOwnUploadAgainWhenTheAnswerWasLost) {
  memory_->lose_next_upload_answer(Error(ErrorKind::timed_out, "no answer"));
  const auto done = run(storage_->upload("t/v1/a", "mine", ""));
  EXPECT_TRUE(done) << done.error().text();
  EXPECT_EQ(memory_->bytes_of("t/v1/a"), "mine");
}

TEST_F(Retrying, SaysConflictWhenAnotherUploadWonMeanwhile) {
  for (const std::string theirs : {"them", "longer than mine"}) {
    memory_->put("t/v1/a", theirs);
    memory_->fail_next(1, away_);
    const auto done = run(storage_->upload("t/v1/a", "mine", ""));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason(), "object_exists");
    EXPECT_EQ(memory_->bytes_of("t/v1/a"), theirs);
  }
}

TEST_F(Retrying, SaysConflictAtOnceOnAFirstAttempt) {
  memory_->put("t/v1/a", "mine");
  const auto done = run(storage_->upload("t/v1/a", "mine", ""));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason(), "object_exists");
  EXPECT_EQ(memory_->asked(), std::vector<std::string>{"upload t/v1/a"});
}

TEST_F(Retrying, EndsACallThatHangsAtItsDeadline) {
  memory_->put("t/v1/a", "x");
  memory_->hang("t/v1/a");
  clock_.let_deadlines_come();
  const auto facts = run(storage_->stat("t/v1/a"));
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().kind(), ErrorKind::timed_out);
  EXPECT_EQ(facts.error().fact(), "stat of 't/v1/a' did not end within 30s");
  EXPECT_EQ(memory_->asked().size(), 4U);
}

TEST_F(Retrying, IsNeverPutAroundItself) {
  auto twice = RetryingStorage::around(std::move(storage_), clock_, RetryPolicy(), 8);
  memory_->fail_next(100, away_);
  EXPECT_FALSE(run(twice->remove("t/v1/a")));
  EXPECT_EQ(memory_->asked().size(), 4U);
}

}  // namespace
}  // namespace bundlesync::storage
