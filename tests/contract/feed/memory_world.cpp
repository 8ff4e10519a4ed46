#include "contract/feed/feed_world.hpp"
#include "fakes/memory_feed.hpp"

namespace bundlesync::tests {
namespace {

plan::WantedVersion version_of(const std::string& name, const std::string& semver) {
  bundle::File file;
  file.path = name + ".md";
  file.storage_path = name + "/v" + semver + "/" + file.path;
  file.sha256 = Digest::of(name + semver);
  file.size = 7;
  file.kind = "master_prompt";
  file.content_type = "text/markdown";
  plan::WantedVersion version;
  version.id = name + "-" + semver;
  version.version = semver;
  version.status = "stable";
  version.bundle.template_name = name;
  version.bundle.version = semver;
  version.bundle.files.push_back(file);
  version.manifest = bundle::manifest_digest(version.bundle.files);
  version.recorded_manifest = version.manifest;
  return version;
}

class MemoryWorld final : public FeedWorld {
 public:
  std::unique_ptr<catalog::Feed> feed(LoopRunner& loop) override {
    return std::make_unique<fakes::MemoryFeed>(loop.io.get_executor(), loop.clock, catalog_);
  }
  std::string add(const std::string& name) override {
    plan::WantedTemplate wanted;
    wanted.id = "id-of-" + name;
    wanted.name = name;
    wanted.current = version_of(name, "1.0.0");
    catalog_.put(wanted);
    return wanted.id;
  }
  void move(const std::vector<std::string>& ids, const std::string& semver) override {
    std::vector<plan::WantedTemplate> moved;
    for (const auto& id : ids) {
      auto wanted = catalog_.at(id);
      wanted.previous = wanted.current;
      wanted.current = version_of(wanted.name, semver);
      moved.push_back(std::move(wanted));
    }
    catalog_.put_together(std::move(moved));
  }
  void rename(const std::string& id, const std::string& name) override {
    auto wanted = catalog_.at(id);
    wanted.name = name;
    catalog_.put(std::move(wanted));
  }
  void remove(const std::string& id) override { catalog_.remove(id); }
  void end_sessions() override { catalog_.end_sessions(); }
  void restart_server() override { catalog_.restart_server(); }
  void new_epoch() override { catalog_.new_epoch(); }

 private:
  fakes::MemoryCatalog catalog_;
};

}  // namespace

std::unique_ptr<FeedWorld> memory_world() {
  return std::make_unique<MemoryWorld>();
}

}  // namespace bundlesync::tests
