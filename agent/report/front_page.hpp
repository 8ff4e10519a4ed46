#pragma once

#include "report/events.hpp"
#include "report/health_server.hpp"
#include "report/status.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::report {

/// The page at / for a person: what is shown, since when, what is wanted, what went wrong, what happened last. One
/// document without scripts or anything to load; every text in it may be a stranger's and is escaped.
/// Of several targets one part for each, under its name.
struct NamedStatus {
  std::string name;  ///< empty where there is one
  Status status;
};
Page front_page(const std::vector<NamedStatus>& targets, const std::deque<Event>& events);
inline Page front_page(const Status& status, const std::deque<Event>& events) {
  return front_page(std::vector<NamedStatus>(1, NamedStatus{std::string(), status}), events);
}

/// `text` as HTML may carry it, as content and in an attribute's double quotes: what could mislead is spelled out as in
/// the log, and at most prose_bytes_max of it are shown.
std::string html(std::string_view text);

/// "12 s", "5 min", "3 h", "4 d"
std::string rough(std::chrono::duration<double> age);

}  // namespace bundlesync::report
