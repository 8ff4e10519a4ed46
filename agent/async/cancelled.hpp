#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/system/system_error.hpp>

#include <exception>

namespace bundlesync {
namespace asio = boost::asio;
}

namespace bundlesync::async {

/// What a cancelled operation ends with.
inline std::exception_ptr operation_aborted() {
  return std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted));
}

/// The first of several, where Asio's `&&` and `||` report them as one multiple_exceptions; else `error` itself.
inline std::exception_ptr unwrap(std::exception_ptr error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const asio::multiple_exceptions& several) {
    return several.first_exception();
  } catch (...) {
  }
  return error;
}

/// Was this the end of a cancelled operation, not a fault?
inline bool is_cancellation(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(unwrap(error));
  } catch (const boost::system::system_error& system) {
    return system.code() == asio::error::operation_aborted;
  } catch (...) {
  }
  return false;
}

}  // namespace bundlesync::async
