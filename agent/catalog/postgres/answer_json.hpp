#pragma once

#include "base/error.hpp"
#include "plan/desired.hpp"

#include <optional>
#include <string>
#include <vector>

namespace bundlesync::catalog::postgres {

/// One row of bundlesync.desired(): template and document, either of which may be null.
struct AnswerRow {
  std::optional<std::string> template_name;
  std::optional<std::string> document;
};

/// The rows of one answer as values. Pure. A document that cannot be read does not fail the answer: its template gets
/// `problem` (sha256_invalid, size_invalid, document_invalid) and a previous version that cannot be read is left out.
/// Keys that we do not know are passed over: a newer schema may say more. Errors: usage when the schema is not within
/// one version of ours; failed when the first row is not what it must be.
Result<plan::Answer> read_answer(const std::vector<AnswerRow>& rows, bool full);

}  // namespace bundlesync::catalog::postgres
