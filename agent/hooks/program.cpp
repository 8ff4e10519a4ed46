#include "async/timeout.hpp"
#include "base/units.hpp"
#include "hooks/announcer.hpp"
#include "hooks/child.hpp"
#include "hooks/validator.hpp"

#include <fmt/format.h>

#include <sys/wait.h>

namespace bundlesync::hooks {
namespace {

class Program final : public Listener {
 public:
  Program(asio::any_io_executor executor, async::Clock& clock, std::vector<std::string> words,
          std::chrono::milliseconds timeout)
      : executor_(std::move(executor)), clock_(clock), words_(std::move(words)), timeout_(timeout) {}

  std::string_view name() const override { return "exec"; }

  Task<Result<void>> tell(Announcement announcement) override {
    const std::vector<std::string> environment = environment_for(announcement);
    auto child = Child::start(executor_, words_, environment);
    if (!child) co_return fail(std::move(child.error()));
    auto ended = (*child)->ended();
    const async::Steady deadline = clock_.now() + std::chrono::duration_cast<async::Duration>(timeout_);
    std::optional<int> status = co_await async::before(std::move(ended), clock_, deadline);
    Result<void> heard = judge(status, (*child)->output());
    co_return heard;
  }

 private:
  static std::vector<std::string> environment_for(const Announcement& announcement) {
    std::string templates;
    for (const auto& [name, shown] : announcement.templates) {
      templates += (templates.empty() ? "" : " ") + name + "=" + shown.version;
    }
    return {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
            "BUNDLESYNC_TARGET=" + announcement.target, "BUNDLESYNC_VIEW=" + std::to_string(announcement.view),
            "BUNDLESYNC_TEMPLATES=" + templates};
  }

  Result<void> judge(std::optional<int> status, const std::string& output) const {
    if (!status) {
      return fail(ErrorKind::timed_out,
                  fmt::format("'{}' did not end within {}", words_.front(), format_duration(timeout_)));
    }
    if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return {};
    const std::string how = WIFEXITED(*status) ? fmt::format("ended with {}", WEXITSTATUS(*status))
                                               : fmt::format("was ended by signal {}", WTERMSIG(*status));
    const std::string said = first_line(output);
    return fail(ErrorKind::failed,
                fmt::format("'{}' {}{}{}", words_.front(), how, said.empty() ? "" : ", saying: ", said));
  }

  asio::any_io_executor executor_;
  async::Clock& clock_;
  const std::vector<std::string> words_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace

std::unique_ptr<Listener> program(asio::any_io_executor executor, async::Clock& clock, std::vector<std::string> words,
                                  std::chrono::milliseconds timeout) {
  return std::make_unique<Program>(std::move(executor), clock, std::move(words), timeout);
}

}  // namespace bundlesync::hooks
