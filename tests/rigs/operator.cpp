#include "rigs/operator.hpp"

#include <fmt/format.h>

namespace bundlesync::rigs {

Operator::Operator(Versions& versions, std::vector<std::string> cycle, std::chrono::milliseconds pause)
    : versions_(versions), cycle_(std::move(cycle)), pause_(pause), at_(cycle_.size() - 1), thread_([this] {
        move();
      }) {}

void Operator::hold(bool still) {
  still_ = still;
  const std::lock_guard wait(moving_);
}

void Operator::stop() {
  over_ = true;
  if (thread_.joinable()) thread_.join();
}

void Operator::move() {
  auto session = versions_.server().connect(versions_.database());
  while (!over_) {
    {
      const std::lock_guard lock(moving_);
      if (!still_) {
        ++at_;
        (void)tests::value_of(session.exec(
            fmt::format("update public.templates set default_version_id = (select v.id from "
                        "public.template_versions v where v.template_id = templates.id and v.semver = '{}')",
                        wanted())));
        ++moves_;
      }
    }
    std::this_thread::sleep_for(pause_);
  }
}

}  // namespace bundlesync::rigs
