#pragma once

#include "publish/commands.hpp"

#include <boost/json/fwd.hpp>

#include <span>

/// What several commands print of the publisher's results.
namespace bundlesync::cli {

boost::json::object to_json(const publish::FileLine& file);
boost::json::array to_json(std::span<const publish::FileLine> files);
boost::json::array to_json(std::span<const publish::Problem> problems);

}  // namespace bundlesync::cli
