#include "support/supabase/world.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace bundlesync::tests::supabase {

Answer no_such_key() {
  return error_answer(400, "404", "not_found", "Object not found", "NoSuchKey");
}
Answer no_such_bucket() {
  return error_answer(400, "404", "Bucket not found", "Bucket not found", "NoSuchBucket");
}
Answer access_denied(std::string_view message) {
  return error_answer(400, "403", "Unauthorized", message, "AccessDenied");
}
Answer unknown_route(const Request& request) {
  const std::string message = fmt::format("Route {}:{} not found", request.method, request.path());
  return error_answer(404, "404", "Not Found", message, "InvalidRequest");
}

bool is_valid_key(std::string_view key) {
  if (key.empty()) return false;
  return std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_/!.*'()&$@=;:+,?- ").find(c) != std::string_view::npos;
  });
}

bool is_valid_bucket(std::string_view name) {
  return is_valid_key(name) && name.size() <= 100 && name.front() != ' ' && name.find('/') == std::string_view::npos;
}

std::pair<std::string, std::string> split_place(std::string_view place) {
  const auto slash = place.find('/');
  if (slash == std::string_view::npos) return {std::string(place), ""};
  return {std::string(place.substr(0, slash)), std::string(place.substr(slash + 1))};
}

std::optional<Answer> read_json(const Request& request, boost::json::object& object) {
  const auto* type = find_header(request.headers, "content-type");
  if (type == nullptr || !type->starts_with("application/json")) {
    return error_answer(400, "400", "Error", "body must be object", "InvalidRequest");
  }
  boost::system::error_code error;
  const auto value = boost::json::parse(request.body, error);
  if (error || !value.is_object()) {
    return error_answer(400, "400", "Error", "body must be object", "InvalidRequest");
  }
  object = value.get_object();
  return std::nullopt;
}

/// The token that storage itself sees; the gateway has put one in for an sb_ key.
std::string World::credential(const Request& request, Refusal& refusal) const {
  const auto* authorization = find_header(request.headers, "authorization");
  const auto* apikey = find_header(request.headers, "apikey");
  if (!gateway_keys.empty()) {
    if (apikey == nullptr) {
      refusal = json_answer(
          R"({"message":"No API key found in request","hint":"No `apikey` request header or url param was found."})");
      refusal->status = 401;
      return "";
    }
    const auto mapped = gateway_keys.find(*apikey);
    const bool is_sb = apikey->starts_with("sb_");
    if (is_sb && (mapped == gateway_keys.end() || authorization != nullptr)) {
      refusal = json_answer(
          R"({"message":"Invalid API key","hint":"Double check your Supabase `anon` or `service_role` API key."})");
      refusal->status = 401;
      return "";
    }
    if (is_sb) return token_for(mapped->second, secret);
  }
  if (authorization == nullptr) return "";
  constexpr std::string_view scheme = "bearer ";
  const bool has_scheme =
      authorization->size() >= scheme.size() &&
      std::ranges::equal(scheme, std::string_view(*authorization).substr(0, scheme.size()),
                         [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
  return has_scheme ? authorization->substr(scheme.size()) : *authorization;
}

World::Refusal World::judge_role(const Caller& caller) const {
  if (caller.role == "postgres") return access_denied("permission denied to set role \"postgres\"");
  if (roles.contains(caller.role)) return std::nullopt;
  return error_answer(500, "500", "DatabaseError", "database error, code: 22023", "DatabaseError");
}

World::Refusal World::authenticate(const Request& request, Caller& caller) const {
  Refusal refusal;
  const std::string token = credential(request, refusal);
  if (refusal) return refusal;
  if (token.empty()) {
    return error_answer(400, "400", "Error", "headers must have required property 'authorization'", "InvalidRequest");
  }
  const Verdict verdict = check_token(token, secret, std::chrono::system_clock::now());
  if (!verdict.problem.empty()) return access_denied(verdict.problem);
  caller.role = verdict.role;
  return judge_role(caller);
}

bool World::may(const Caller& caller, std::string_view bucket, std::string_view command,
                std::string_view operation) const {
  if (caller.all()) return true;
  return std::ranges::any_of(policies, [&](const Policy& policy) {
    return policy.bucket == bucket && policy.role == caller.role && policy.commands.contains(std::string(command)) &&
           (policy.only_operation.empty() || policy.only_operation == operation);
  });
}

/// The path without what the gateway takes off; nothing where that is missing.
std::optional<std::string> World::route_of(const Request& request) const {
  const auto path = request.path();
  if (!path.starts_with(base)) return std::nullopt;
  const auto rest = path.substr(base.size());
  if (!rest.starts_with('/')) return std::nullopt;
  return std::string(rest);
}

std::optional<Answer> World::refuse(const Request& head) {
  const auto route = route_of(head);
  if (!route || (head.method != "POST" && head.method != "PUT") || !route->starts_with("/object/")) return std::nullopt;
  const auto rest = std::string_view(*route).substr(8);
  for (const std::string_view other : {"list/", "list-v2/", "sign/", "copy", "move", "upload/sign/"}) {
    if (rest.starts_with(other)) return std::nullopt;
  }
  const auto place = percent_decoded(rest);
  if (!place) return std::nullopt;
  return judge_upload(head, *place);
}

Answer World::answer(const Request& request) {
  if (find_header(request.headers, "host") == nullptr) return plain_error(400, "Bad Request", "Client Error");
  const auto route = route_of(request);
  if (!route)
    return plain_error(404, "Not Found", fmt::format("Route {}:{} not found", request.method, request.path()));
  const auto decoded = percent_decoded(*route);
  if (!decoded) {
    Answer bad =
        json_answer(fmt::format(R"({{"error":"Bad Request","code":"FST_ERR_BAD_URL","message":{},"statusCode":400}})",
                                json_text("'" + *route + "' is not a valid url component")));
    bad.status = 400;
    return bad;
  }
  if (*decoded == "/status" && request.method == "GET") return Answer();
  if (*decoded == "/bucket" || decoded->starts_with("/bucket/")) {
    return bucket_route(request, decoded->size() > 8 ? std::string_view(*decoded).substr(8) : "");
  }
  if (decoded->starts_with("/object/")) return object_route(request, std::string_view(*decoded).substr(8));
  return plain_error(404, "Not Found", fmt::format("Route {}:{} not found", request.method, request.path()));
}

Answer World::object_route(const Request& request, std::string_view rest) {
  const auto after = [rest](std::string_view prefix) {
    return rest.starts_with(prefix) ? std::optional(rest.substr(prefix.size())) : std::nullopt;
  };
  const bool gets = request.method == "GET" || request.method == "HEAD";
  if (gets) {
    if (const auto place = after("info/authenticated/")) return info(request, *place, "authenticated");
    if (const auto place = after("info/public/")) return info(request, *place, "public");
    if (const auto place = after("info/")) return info(request, *place, "");
    if (const auto place = after("authenticated/")) return download(request, *place, "authenticated");
    if (const auto place = after("public/")) return download(request, *place, "public");
    return download(request, rest, "");
  }
  if (request.method == "POST") {
    if (const auto bucket = after("list-v2/")) return list_v2(request, *bucket);
    if (const auto bucket = after("list/")) return list(request, *bucket);
  }
  const auto [bucket, key] = split_place(rest);
  if (request.method == "POST" || request.method == "PUT") {
    return key.empty() ? unknown_route(request) : upload(request, rest);
  }
  if (request.method == "DELETE") return key.empty() ? remove_many(request, bucket) : remove(request, rest);
  return unknown_route(request);
}

}  // namespace bundlesync::tests::supabase
