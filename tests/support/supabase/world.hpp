#pragma once

#include "support/supabase/message.hpp"
#include "support/supabase/token.hpp"

#include <boost/json/fwd.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bundlesync::tests::supabase {

inline constexpr std::uint64_t server_bytes_max = std::uint64_t{50} << 20;  ///< of a standard upload

struct Bucket {
  std::string name;
  bool is_public = false;
  std::optional<std::uint64_t> bytes_max;
  std::vector<std::string> types;  ///< "text/markdown", "text/*"; none: every type
};

struct Object {
  std::string bytes;
  std::string type;
  std::string cache_control = "no-cache";
  std::string id;
  std::string etag() const;  ///< with its quotes, as the file backend makes it
};

/// A row of pg_policies, as far as it matters here.
struct Policy {
  std::string bucket;
  std::string role;
  std::set<std::string> commands;   ///< select, insert, update, delete; "see_bucket" for select on storage.buckets
  std::string only_operation = {};  ///< "object.get_authenticated"; empty: every operation
};

/// The server without its sockets: who may do what, and the answer to every request. Not for several threads at once.
class World {
 public:
  std::string secret;
  std::string base = "/storage/v1";  ///< what the gateway takes off; other paths are 404
  /// With a gateway in front, apikey is looked at too: sb_ keys map to roles, and one in Authorization is turned away.
  std::map<std::string, std::string> gateway_keys;
  std::set<std::string> roles = {"anon", "authenticated", "service_role", "bundlesync_reader"};
  std::vector<Policy> policies;
  std::map<std::string, Bucket> buckets;
  std::map<std::pair<std::string, std::string>, Object> objects;
  std::set<std::pair<std::string, std::string>> backing_gone;  ///< in the database, and not on the disk behind it

  /// What is said before the body is read; nothing when the body is wanted.
  std::optional<Answer> refuse(const Request& head);
  Answer answer(const Request& request);

 private:
  struct Caller {
    std::string role;
    bool all() const { return role == "service_role"; }
  };
  using Refusal = std::optional<Answer>;

  Refusal authenticate(const Request& request, Caller& caller) const;
  std::string credential(const Request& request, Refusal& refusal) const;
  Refusal judge_role(const Caller& caller) const;
  bool may(const Caller& caller, std::string_view bucket, std::string_view command, std::string_view operation) const;
  std::optional<std::string> route_of(const Request& request) const;

  Answer object_route(const Request& request, std::string_view rest);
  Answer download(const Request& request, std::string_view place, std::string_view kind);
  Answer info(const Request& request, std::string_view place, std::string_view kind);
  Answer list(const Request& request, std::string_view bucket);
  Answer list_v2(const Request& request, std::string_view bucket);
  std::vector<std::pair<std::string, const Object*>> visible(const Caller& caller, const std::string& bucket,
                                                             std::string_view prefix, std::string_view operation) const;
  Refusal judge_upload(const Request& head, std::string_view place);
  Answer upload(const Request& request, std::string_view place);
  Answer remove(const Request& request, std::string_view place);
  Answer remove_many(const Request& request, const std::string& bucket);

  Answer bucket_route(const Request& request, std::string_view rest);
  Answer create_bucket(const Request& request, const Caller& caller);
  Answer update_bucket(const Request& request, const Caller& caller, const std::string& name);
  Answer delete_bucket(const Caller& caller, const std::string& name);
  bool sees_bucket(const Caller& caller, const std::string& name) const;

  std::uint64_t next_id_ = 1;
};

bool is_valid_key(std::string_view key);
bool is_valid_bucket(std::string_view name);
/// "bucket/key" → both; the key is empty where there is none.
std::pair<std::string, std::string> split_place(std::string_view place);
/// The body as an object, or the answer to one that is none.
std::optional<Answer> read_json(const Request& request, boost::json::object& object);

Answer no_such_key();
Answer no_such_bucket();
Answer access_denied(std::string_view message);
Answer unknown_route(const Request& request);

}  // namespace bundlesync::tests::supabase
