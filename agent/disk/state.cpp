#include "disk/state.hpp"

#include "disk/folders.hpp"
#include "disk/layout.hpp"
#include "disk/state_json.hpp"

namespace bundlesync::disk {
namespace {

constexpr std::string_view state_file = "state.json";
constexpr std::string_view desired_file = "desired.json";
constexpr std::string_view vetoes_file = "vetoes.json";
constexpr std::string_view status_file = "status.json";
constexpr std::uint64_t status_bytes_max = 64 << 20;

class FileStateStore final : public StateStore {
 public:
  explicit FileStateStore(Target& target) : target_(target) {}

  Result<State> load() const override {
    auto text = read(state_file, state_bytes_max);
    if (!text && text.error().kind() == ErrorKind::not_found) return State();
    if (!text) return fail(std::move(text.error()));
    auto state = state_from_json(*text);
    if (!state) return fail(named(std::move(state.error())));
    return state;
  }

  Result<void> save(const State& state) override { return write(state_file, state_to_json(state), Durable::yes); }

  Result<plan::Desired> load_desired() const override {
    auto text = read(desired_file, desired_bytes_max);
    if (!text && text.error().kind() == ErrorKind::not_found) return plan::Desired();
    if (!text) return fail(std::move(text.error()));
    auto desired = desired_from_json(*text);
    if (!desired) return fail(named(std::move(desired.error())));
    return desired;
  }

  Result<void> save_desired(const plan::Desired& desired) override {
    return write(desired_file, desired_to_json(desired), Durable::yes);
  }

  Result<Vetoes> load_vetoes() const override {
    auto text = read(vetoes_file, state_bytes_max);
    if (!text && text.error().kind() == ErrorKind::not_found) return Vetoes();
    if (!text) return fail(std::move(text.error()));
    auto vetoes = vetoes_from_json(*text);
    if (!vetoes) return fail(named(std::move(vetoes.error())));
    return vetoes;
  }

  Result<void> save_vetoes(const Vetoes& vetoes) override {
    return write(vetoes_file, vetoes_to_json(vetoes), Durable::yes);
  }

  Result<void> save_status(std::string_view json) override { return write(status_file, json, Durable::no); }

  Result<std::string> load_status() const override { return read(status_file, status_bytes_max); }

 private:
  std::string folder() const { return (target_.path() / layout::own_dir / target_.state_area()).string(); }

  Error named(Error error) const {
    return std::move(error).within(folder()).with_hint(
        "the agent goes on without it and writes it anew; `bundlesync verify` looks at the rest");
  }

  Result<Fd> open() const {
    auto fd = target_.files().open_dir(target_.own(), target_.state_area());
    if (!fd) return os_fail(fd.error(), "cannot open " + folder());
    return std::move(*fd);
  }

  Result<std::string> read(std::string_view name, std::uint64_t bytes_max) const {
    auto dir = open();
    if (!dir) return fail(std::move(dir.error()));
    return read_file(target_.files(), dir->get(), std::string(name), bytes_max, folder() + "/" + std::string(name));
  }

  Result<void> write(std::string_view name, std::string_view text, Durable durable) {
    auto dir = open();
    if (!dir) return fail(std::move(dir.error()));
    return replace_file(target_.files(), dir->get(), std::string(name), text, layout::private_file_mode, durable,
                        folder() + "/" + std::string(name));
  }

  Target& target_;
};

}  // namespace

std::unique_ptr<StateStore> StateStore::make(Target& target) {
  return std::make_unique<FileStateStore>(target);
}

}  // namespace bundlesync::disk
