#pragma once

#include "report/reporter.hpp"

#include <initializer_list>
#include <string>
#include <utility>

namespace bundlesync::report {

/// A template that shows 1.0.0 and wants it.
inline TemplateReport shows(std::string name) {
  TemplateReport report;
  report.path = "/prompts/" + name;
  report.name = std::move(name);
  report.state = plan::State::current;
  report.shown_version = "1.0.0";
  report.shown_manifest = std::string(64, 'a');
  report.source = "remote";
  report.since = "2026-01-01T00:00:00.000Z";
  report.generation = 1;
  report.desired_version = "1.0.0";
  report.desired_generation = 1;
  return report;
}

/// The same, wanting 1.1.0 in vain.
inline TemplateReport wants(std::string name, plan::State state, std::string reason, std::string detail = "") {
  TemplateReport report = shows(std::move(name));
  report.state = state;
  report.desired_version = "1.1.0";
  report.desired_generation = 2;
  report.reason = std::move(reason);
  report.detail = std::move(detail);
  return report;
}

inline Settled settled(std::initializer_list<TemplateReport> templates) {
  Settled settled;
  settled.templates = templates;
  settled.view = 7;
  settled.epoch = "e1";
  settled.ready = true;
  return settled;
}

}  // namespace bundlesync::report
