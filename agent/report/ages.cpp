#include "report/ages.hpp"

#include <utility>

namespace bundlesync::report {

bool is_out_of_date(const TemplateReport& of) {
  if (of.desired_version.empty()) return false;
  switch (of.state) {
    case plan::State::moving:
    case plan::State::fetching:
    case plan::State::validating:
    case plan::State::retrying:
    case plan::State::blocked:
    case plan::State::refused:
      return true;  // the same version with other content, too
    case plan::State::absent:
    case plan::State::held:
    case plan::State::waiting:
      return of.desired_version != of.shown_version;
    case plan::State::current:
    case plan::State::orphaned:
    case plan::State::disabled:
    case plan::State::standalone:
      return false;
  }
  return false;
}

std::string why_out_of_date(const TemplateReport& of) {
  return of.reason.empty() ? plan::to_string(of.state) : of.reason;
}

void Ages::contacted(std::string_view source) {
  contacts_.insert_or_assign(std::string(source), Since{clock_.now(), true});
}

void Ages::expects(std::string_view source) {
  contacts_.emplace(std::string(source), Since{clock_.now(), false});
}

void Ages::does_not_expect(std::string_view source) {
  const auto found = contacts_.find(source);
  if (found != contacts_.end() && !found->second.ever) contacts_.erase(found);
}

void Ages::settled(const Settled& settled) {
  std::map<std::string, async::Steady> now;
  for (const auto& entry : settled.templates) {
    if (!is_out_of_date(entry)) continue;
    const auto since = out_of_date_.find(entry.name);
    now.emplace(entry.name, since == out_of_date_.end() ? clock_.now() : since->second);
  }
  out_of_date_ = std::move(now);
}

std::map<std::string, Ages::Age> Ages::contacts() const {
  std::map<std::string, Age> result;
  for (const auto& [source, since] : contacts_) result.emplace(source, Age{clock_.now() - since.when, since.ever});
  return result;
}

std::map<std::string, std::chrono::duration<double>> Ages::out_of_date() const {
  std::map<std::string, std::chrono::duration<double>> result;
  for (const auto& [name, since] : out_of_date_) result.emplace(name, clock_.now() - since);
  return result;
}

}  // namespace bundlesync::report
