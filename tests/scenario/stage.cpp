#include "scenario/stage.hpp"

#include "fakes/spawned.hpp"
#include "sync/agent.hpp"

namespace bundlesync::scenario {

void Stage::SetUp() {
  std::string pattern = (fs::temp_directory_path() / "bundlesync-scenario-XXXXXX").string();
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  root_ = pattern;
  fs::create_directories(root_ / "prompts");
  options_.policy.templates = {"*"};
  options_.remote = true;
  options_.fallback_dir = root_ / "fallback";
  options_.local_dir = root_ / "local";
  start();
}

void Stage::TearDown() {
  stop();
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(root_, ignored)) {
    if (entry.is_directory() && !entry.is_symlink()) fs::permissions(entry.path(), fs::perms::owner_all, ignored);
  }
  fs::remove_all(root_, ignored);
}

void Stage::start() {
  assemble();
  const Result<void> recovered = wait(reconciler_->recover());
  ASSERT_TRUE(recovered) << recovered.error().text();
}

void Stage::assemble() {
  reporter_ = std::make_unique<fakes::RecordingReporter>();
  disk::Target::Options target_options;
  target_options.path = root_ / "prompts";
  auto opened = disk::Target::open(files_, target_options);
  ASSERT_TRUE(opened) << opened.error().text();
  target_ = std::move(*opened);
  trees_ = disk::Trees::make(*target_);
  state_ = disk::StateStore::make(*target_);
  live_ = live::LiveView::make(*target_, *state_);
  reconciler_ = std::make_unique<sync::Reconciler>(world(), options_);
}

sync::World Stage::world() {
  return sync::World{io_.get_executor(), clock_,     pool_,   *target_,  *trees_, *state_, *live_,
                     &storage_,          *reporter_, random_, validator_};
}

void Stage::stop() {
  if (!reconciler_) return;
  wait(reconciler_->stop());
  ASSERT_TRUE(pool_.wait_idle(std::chrono::seconds(20)));  // stages that were dropped go before their trees
  reconciler_.reset();
  live_.reset();
  state_.reset();
  trees_.reset();
  target_.reset();
}

void Stage::restart() {
  stop();
  start();
}

void Stage::settle() {
  for (int i = 0; i < 20; ++i) {
    const std::size_t fetches = reporter_->fetches.size();
    wait(reconciler_->pass());
    come_to_rest();
    if (reporter_->fetches.size() == fetches && reconciler_->plan().settled()) return;
  }
}

void Stage::come_to_rest() {
  for (bool busy = true; busy;) {
    ASSERT_TRUE(pool_.wait_idle(std::chrono::seconds(20))) << "a job hangs";
    io_.restart();
    busy = io_.poll() > 0;
  }
}

template <class T>
T Stage::wait(Task<T> task) {
  fakes::Spawned<T> spawned(io_, std::move(task));
  EXPECT_TRUE(clock_.settle_until([&] { return spawned.ended(); })) << "it hangs";
  return spawned.take();
}

plan::WantedVersion Stage::publish(const std::string& name, const std::string& semver, const Files& files) {
  plan::WantedVersion version;
  version.id = name + "@" + semver;
  version.version = semver;
  version.status = "stable";
  version.bundle.template_name = name;
  version.bundle.version = semver;
  for (const auto& [path, content] : files) {
    bundle::File file;
    file.path = path;
    file.sha256 = Digest::of(content);
    file.size = content.size();
    file.kind = "master_prompt";
    file.content_type = "text/markdown";
    file.storage_path = bundle::storage_path(name, semver, path);
    version.bundle.files.push_back(file);
    storage_.put(file.storage_path, content);
  }
  version.manifest = bundle::manifest_digest(version.bundle.files);
  version.recorded_manifest = version.manifest;
  return version;
}

void Stage::move(const std::vector<plan::WantedVersion>& versions) {
  ++change_;
  plan::Answer answer;
  answer.epoch = epoch_;
  answer.snapshot = "1:1:";
  answer.full = !reconciler_->desired().known();
  for (const auto& version : versions) {
    auto& wanted = catalog_[version.bundle.template_name];
    wanted.id = "id-" + version.bundle.template_name;
    wanted.name = version.bundle.template_name;
    ++wanted.generation;
    wanted.change = change_;
    wanted.previous = wanted.current;
    wanted.current = version;
  }
  for (const auto& [name, wanted] : catalog_) answer.templates.push_back(wanted);
  reconciler_->accept(answer);
}

void Stage::answer_again() {
  plan::Answer answer;
  answer.epoch = epoch_;
  answer.full = true;
  for (const auto& [name, wanted] : catalog_) answer.templates.push_back(wanted);
  reconciler_->accept(answer);
}

std::string Stage::read(const std::string& path) const {
  std::ifstream in(prompts() / path, std::ios::binary);
  if (!in) return "(missing)";
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string Stage::view() const {
  std::error_code error;
  const auto link = fs::read_symlink(prompts() / "..data", error);
  return error ? "(none)" : link.string();
}

std::string Stage::state_of(const std::string& name) const {
  const auto* line = reporter_->last(name);
  if (!line) return "(unknown)";
  return std::string(plan::to_string(line->state)) + (line->reason.empty() ? "" : " " + line->reason);
}

void Stage::fallback(const std::string& name, const std::string& path, const std::string& content) {
  const fs::path file = root_ / "fallback" / name / path;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
}

std::size_t Stage::stages() const {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(prompts() / "..bundlesync" / "trees")) {
    if (entry.path().filename().string().starts_with(".stage-")) ++count;
  }
  return count;
}

template void Stage::wait(Task<> task);
template Result<void> Stage::wait(Task<Result<void>> task);
template Result<sync::OnceOutcome> Stage::wait(Task<Result<sync::OnceOutcome>> task);

}  // namespace bundlesync::scenario
