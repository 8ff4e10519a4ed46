// One publish (or abandon) as a process of its own, so that a test can end it by SIGKILL after any step.
// publish_once publish|abandon CONNINFO STORE DIR TEMPLATE VERSION default|keep KILL_AFTER
#include "async/pool.hpp"
#include "catalog/postgres/catalog.hpp"
#include "publish/commands.hpp"
#include "run.hpp"
#include "storage/file/file_storage.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace {

using namespace bundlesync;

/// Ends this process, the hard way, right after step number `last`.
class DeathAfter final : public publish::Steps {
 public:
  explicit DeathAfter(long last) : last_(last) {}
  void reached(publish::Step, std::string_view) override {
    if (count_++ == last_) ::kill(::getpid(), SIGKILL);
  }

 private:
  long last_;
  long count_ = 0;
};

int end_with(const Error& error) {
  std::fprintf(stderr, "error: %s\n", error.text().c_str());
  return static_cast<int>(error.exit_code());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 9) return 2;
  const std::string verb = argv[1];
  auto session = catalog::Session::connect(argv[2]);
  if (!session) return end_with(session.error());
  catalog::PostgresCatalog catalog(*session, "ci");
  async::Pool pool(2);
  storage::FileStorage storage(argv[3], pool);
  DeathAfter steps(std::atol(argv[8]));

  if (verb == "abandon") {
    const auto done = test::run(publish::abandon(catalog, storage, argv[5], argv[6], steps));
    return done ? 0 : end_with(done.error());
  }
  publish::PublishRequest request;
  request.directory = argv[4];
  request.template_name = argv[5];
  request.version = argv[6];
  request.set_default = std::string(argv[7]) == "default";
  const auto done = test::run(publish::publish(catalog, storage, std::move(request), steps));
  if (!done) return end_with(done.error());
  std::printf("%s\n", std::string(publish::to_string(done->outcome)).c_str());
  return static_cast<int>(done->exit_code());
}
