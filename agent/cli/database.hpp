#pragma once

#include "catalog/catalog.hpp"
#include "catalog/postgres/session.hpp"
#include "cli/verbs.hpp"

#include <memory>

namespace bundlesync::cli {

/// A command's session with the database: database.url, else DATABASE_URL, else libpq's PG* variables. TCP hosts that
/// are not loopback are verified unless the connection string says less, which is then said.
class Database {
 public:
  /// Errors: usage (none is configured, or it cannot be read), unavailable, unauthorised.
  static Result<std::unique_ptr<Database>> open(const Context& context, const settings::Settings& settings);
  virtual ~Database() = default;
  virtual catalog::Catalog& catalog() = 0;
  virtual catalog::Session& session() = 0;
};

/// The settings of a command for people, and its session.
Result<std::unique_ptr<Database>> open_database(const Context& context);

}  // namespace bundlesync::cli
