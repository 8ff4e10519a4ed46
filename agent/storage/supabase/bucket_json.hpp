#pragma once

#include "base/error.hpp"
#include "storage/bucket.hpp"

#include <string>
#include <string_view>

/// A bucket in the JSON of Supabase Storage.
namespace bundlesync::storage::supabase {

/// The body of POST /bucket.
std::string creation_of(std::string_view name, const Bucket& bucket);
/// The body of PUT /bucket/{id}: everything, so that what was set before is taken back too.
std::string update_of(const Bucket& bucket);
/// The answer of GET /bucket/{id}. refused, reason answer_invalid.
Result<Bucket> read_bucket(std::string_view body);

}  // namespace bundlesync::storage::supabase
