#pragma once

#include "async/clock.hpp"
#include "report/reporter.hpp"

#include <map>
#include <string>
#include <string_view>

namespace bundlesync::report {

/// The catalog names something for this template that is not shown.
bool is_out_of_date(const TemplateReport& of);
/// Its reason code; where it has none the name of its state.
std::string why_out_of_date(const TemplateReport& of);

/// Since when what is not as it should be is so. Ages are taken on the steady clock: no jump of the wall clock makes
/// anything old.
class Ages {
 public:
  explicit Ages(async::Clock& clock) : clock_(clock) {}

  void contacted(std::string_view source);
  /// Begins to count for a source that was never reached.
  void expects(std::string_view source);
  /// Counts no longer for one that was never reached.
  void does_not_expect(std::string_view source);
  void settled(const Settled& settled);

  struct Age {
    std::chrono::duration<double> age{0};
    bool ever = true;  ///< false: never reached, the age counts from when we began to expect it
  };
  std::map<std::string, Age> contacts() const;  ///< by source
  /// How long each template has been out of date, by name; those that are not are not in it.
  std::map<std::string, std::chrono::duration<double>> out_of_date() const;

 private:
  struct Since {
    async::Steady when;
    bool ever = true;
  };
  async::Clock& clock_;
  std::map<std::string, Since, std::less<>> contacts_;
  std::map<std::string, async::Steady> out_of_date_;
};

}  // namespace bundlesync::report
