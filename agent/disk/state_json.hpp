#pragma once

#include "disk/state.hpp"

#include <string>
#include <string_view>

/// The texts in state/ and back, strict. Errors: damaged, with the reason of json_read.hpp.
namespace bundlesync::disk {

std::string state_to_json(const State& state);
Result<State> state_from_json(std::string_view text);

std::string vetoes_to_json(const Vetoes& vetoes);
Result<Vetoes> vetoes_from_json(std::string_view text);

std::string desired_to_json(const plan::Desired& desired);
Result<plan::Desired> desired_from_json(std::string_view text);

inline constexpr std::uint64_t state_bytes_max = 64 << 20;     ///< 10,000 templates take about 5 MiB
inline constexpr std::uint64_t desired_bytes_max = 256 << 20;  ///< 10,000 templates of 20 files take about 100 MiB

/// What was refused as somebody else's text is damage where it is our own.
Error as_damage(Error error);

}  // namespace bundlesync::disk
