#include "support/supabase_server.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <pthread.h>

// supabase_standin: a stand-in for Supabase Storage as a program. Prints its address and three keys as assignments of
// a shell, and serves until SIGTERM or SIGINT. The role bundlesync_reader may select in the bucket template-artifacts,
// as if the policy were there; the bucket itself is not.
int main() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // before the server's threads are there, which inherit it

  bundlesync::tests::SupabaseServer server;
  bundlesync::tests::supabase::Policy policy;
  policy.bucket = "template-artifacts";
  policy.role = "bundlesync_reader";
  policy.commands = {"select"};
  server.allow(policy);
  fmt::print("SUPABASE_URL={}\nSUPABASE_SERVICE_ROLE_KEY={}\nBUNDLESYNC_AGENT_STORAGE_KEY={}\nSUPABASE_ANON_KEY={}\n",
             server.origin(), server.token("service_role"), server.token("bundlesync_reader"), server.token("anon"));
  std::fflush(stdout);
  int caught = 0;
  sigwait(&ends, &caught);
  return 0;
}
