#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <map>
#include <string>
#include <utility>

namespace bundlesync::report {

using Labels = prometheus::Labels;

/// A gauge with labels: replace() says all of its series at once, so that what is no longer there is not left behind.
class GaugeSeries {
 public:
  using Values = std::map<Labels, double>;

  GaugeSeries(prometheus::Registry& registry, const std::string& name, const std::string& help)
      : family_(prometheus::BuildGauge().Name(name).Help(help).Register(registry)) {}

  void replace(const Values& values) {
    std::erase_if(series_, [&](const auto& entry) {
      if (values.contains(entry.first)) return false;
      family_.Remove(entry.second);
      return true;
    });
    for (const auto& [labels, value] : values) set(labels, value);
  }
  void set(const Labels& labels, double value) {
    auto found = series_.find(labels);
    if (found == series_.end()) found = series_.emplace(labels, &family_.Add(labels)).first;
    found->second->Set(value);
  }

 private:
  prometheus::Family<prometheus::Gauge>& family_;
  std::map<Labels, prometheus::Gauge*> series_;
};

/// A counter with labels.
class CounterSeries {
 public:
  CounterSeries(prometheus::Registry& registry, const std::string& name, const std::string& help)
      : family_(prometheus::BuildCounter().Name(name).Help(help).Register(registry)) {}

  void add(const Labels& labels, double by = 1) {
    auto found = series_.find(labels);
    if (found == series_.end()) found = series_.emplace(labels, &family_.Add(labels)).first;
    found->second->Increment(by);
  }
  /// Removes every series for which keep(labels) is false.
  template <class Keep>
  void retain(Keep keep) {
    std::erase_if(series_, [&](const auto& entry) {
      if (keep(entry.first)) return false;
      family_.Remove(entry.second);
      return true;
    });
  }

 private:
  prometheus::Family<prometheus::Counter>& family_;
  std::map<Labels, prometheus::Counter*> series_;
};

}  // namespace bundlesync::report
