// What the database answers, and what the agent keeps of it on its disk.
#include "catalog/postgres/answer_json.hpp"
#include "disk/state_json.hpp"
#include "fuzz/fuzz.hpp"
#include "live/live_view.hpp"

#include <boost/json.hpp>

using namespace bundlesync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::text_of(data, size));
  const std::string first =
      R"({"schema": 1, "epoch": "00000000-0000-0000-0000-000000000001", "snapshot": "1:1:", "server_started": "x"})";
  const std::vector<catalog::postgres::AnswerRow> rows = {{std::nullopt, first}, {"alpha", text}};
  (void)catalog::postgres::read_answer(rows, size % 2 == 0);
  const std::vector<catalog::postgres::AnswerRow> odd = {{std::nullopt, text}};
  (void)catalog::postgres::read_answer(odd, true);
  if (const auto state = disk::state_from_json(text)) {
    fuzz::must(disk::state_from_json(disk::state_to_json(*state)).has_value(), "a state that is kept can be read");
  }
  if (const auto desired = disk::desired_from_json(text)) {
    const auto again = disk::desired_from_json(disk::desired_to_json(*desired));
    fuzz::must(again && *again == *desired, "what is kept is read as the same");
  }
  (void)live::view_from_json(text);
  return 0;
}
