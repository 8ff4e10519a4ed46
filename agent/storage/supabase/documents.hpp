#pragma once

#include "base/error.hpp"
#include "storage/storage.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The JSON that Supabase Storage takes and gives. Errors: refused, reason answer_invalid.
namespace bundlesync::storage::supabase {

inline constexpr std::size_t page_objects_max = 1'000;  ///< the server gives no more, whatever is asked
inline constexpr std::size_t page_bytes_max = std::size_t{4} << 20;
inline constexpr std::size_t pages_max = 100;

struct Page {
  std::vector<ObjectInfo> objects;
  std::string next_cursor;  ///< empty: this was the last page
};

/// The body of POST /object/list-v2: everything below `prefix` + '/', flat, by name.
std::string list_question(std::string_view prefix, std::string_view cursor);
Result<Page> read_page(std::string_view body, std::string_view prefix);

/// The size in the answer of GET /object/info.
Result<std::uint64_t> read_size(std::string_view body);

}  // namespace bundlesync::storage::supabase
