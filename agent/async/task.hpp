#pragma once

#include <boost/asio/awaitable.hpp>

namespace bundlesync {
namespace asio = boost::asio;

/// A coroutine on the one loop thread. Expected failures travel as Result<T>; exceptions mean cancellation or a bug.
template <class T = void>
using Task = asio::awaitable<T>;

}  // namespace bundlesync
