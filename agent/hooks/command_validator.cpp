#include "async/timeout.hpp"
#include "base/units.hpp"
#include "hooks/child.hpp"
#include "hooks/validator.hpp"

#include <fmt/format.h>

#include <sys/wait.h>

namespace bundlesync::hooks {
namespace {

/// Shells and env(1) say so of a program that cannot be run.
constexpr int kCannotRun = 126;

class CommandValidator final : public Validator {
 public:
  CommandValidator(asio::any_io_executor executor, async::Clock& clock, std::vector<std::string> words,
                   std::chrono::milliseconds timeout)
      : executor_(std::move(executor)), clock_(clock), words_(std::move(words)), timeout_(timeout) {}

  Task<Result<Judgement>> judge(Candidate candidate) override {
    const std::vector<std::string> environment = environment_for(candidate);
    auto child = Child::start(executor_, words_, environment);
    if (!child) co_return fail(std::move(child.error()));
    auto ended = (*child)->ended();
    const async::Steady deadline = clock_.now() + std::chrono::duration_cast<async::Duration>(timeout_);
    std::optional<int> status = co_await async::before(std::move(ended), clock_, deadline);
    if (!status) {
      Error error(ErrorKind::timed_out,
                  fmt::format("'{}' did not end within {}", words_.front(), format_duration(timeout_)));
      co_return fail(std::move(error));
    }
    Result<Judgement> judgement = judgement_of(*status, (*child)->output());
    co_return judgement;
  }

 private:
  static std::vector<std::string> environment_for(const Candidate& candidate) {
    return {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
            "BUNDLESYNC_TEMPLATE=" + candidate.template_name, "BUNDLESYNC_VERSION=" + candidate.version,
            "BUNDLESYNC_PATH=" + candidate.path};
  }

  Result<Judgement> judgement_of(int status, const std::string& output) const {
    if (!WIFEXITED(status)) {
      return fail(ErrorKind::unavailable, fmt::format("'{}' was ended by signal {}", words_.front(), WTERMSIG(status)));
    }
    const int code = WEXITSTATUS(status);
    if (code >= kCannotRun) {
      return fail(ErrorKind::unavailable, fmt::format("'{}' ended with {}", words_.front(), code));
    }
    Judgement judgement;
    judgement.accepted = code == 0;
    judgement.text = first_line(output);
    if (judgement.text.empty()) judgement.text = fmt::format("exit {}", code);
    return judgement;
  }

  asio::any_io_executor executor_;
  async::Clock& clock_;
  const std::vector<std::string> words_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace

std::unique_ptr<Validator> command_validator(asio::any_io_executor executor, async::Clock& clock,
                                             std::vector<std::string> words, std::chrono::milliseconds timeout) {
  return std::make_unique<CommandValidator>(std::move(executor), clock, std::move(words), timeout);
}

}  // namespace bundlesync::hooks
