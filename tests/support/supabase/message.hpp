#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bundlesync::tests::supabase {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// The first header of this name, whatever its case; nullptr where there is none.
const std::string* find_header(const Headers& headers, std::string_view name);

/// One request as it came.
struct Request {
  std::string method;
  std::string target;
  Headers headers;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  std::string body;

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
};

struct Answer {
  int status = 200;
  Headers headers;
  std::string body;
  bool close = false;  ///< the connection afterwards
};

/// {"statusCode":"404","error":…,"message":…,"code":…}: statusCode is a text.
Answer error_answer(int http_status, std::string_view status_code, std::string_view error, std::string_view message,
                    std::string_view code);
/// {"message":…,"error":…,"statusCode":404}: a number, and no code.
Answer plain_error(int status, std::string_view error, std::string_view message);
Answer json_answer(std::string body);

/// Percent-decoded once; nothing for a '%' without two hex digits.
std::optional<std::string> percent_decoded(std::string_view text);
/// `text` as a JSON text, quotes included.
std::string json_text(std::string_view text);
/// The whole answer as it goes over the wire. A HEAD's has no body, and the length of it.
std::string wire_text(const Answer& answer, std::string_view method);

}  // namespace bundlesync::tests::supabase
