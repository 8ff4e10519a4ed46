#include "base/json_read.hpp"
#include "base/time.hpp"
#include "disk/folders.hpp"
#include "disk/layout.hpp"
#include "disk/target.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <unistd.h>

namespace bundlesync::disk {
namespace {

constexpr std::uint64_t lock_bytes_max = 4096;

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::string place(const Target& target) {
  return (target.path() / layout::own_dir / layout::lock_file).string();
}

Error held(const Target& target) {
  std::string fact = "another agent holds the target " + target.path().string();
  if (const auto holder = TargetLock::holder(target)) {
    fact = "the target " + target.path().string() + " is held by " + holder->host + " pid " +
           std::to_string(holder->pid) + " since " + holder->since;
  }
  return Error(ErrorKind::held, fact)
      .with_hint("one agent writes a target at a time; stop that one, or use another target");
}

}  // namespace

Result<TargetLock> TargetLock::try_take(Target& target) {
  Files& files = target.files();
  const std::string name(layout::lock_file);
  auto fd = files.open_lock(target.own(), name);
  if (!fd) return os_fail(fd.error(), "cannot open " + place(target));
  auto locked = files.lock(fd->get());
  if (!locked && (locked.error() == EAGAIN || locked.error() == EACCES)) return fail(held(target));
  if (!locked) return os_fail(locked.error(), "cannot lock " + place(target));

  // Whoever cannot write who it is (a full disk) holds the lock all the same; the text is only for people.
  boost::json::object text;
  text["host"] = host_name();
  text["pid"] = static_cast<std::int64_t>(::getpid());
  text["since"] = format_time(std::chrono::system_clock::now());  // for people: no decision looks at it
  const std::string bytes = boost::json::serialize(text) + "\n";
  (void)files.chmod(fd->get(), layout::dir_mode & 0666);
  if (files.truncate(fd->get())) (void)files.write(fd->get(), bytes);
  return TargetLock(std::move(*fd));
}

std::optional<LockHolder> TargetLock::holder(const Target& target) {
  auto bytes = read_file(target.files(), target.own(), std::string(layout::lock_file), lock_bytes_max, place(target));
  if (!bytes) return std::nullopt;
  auto value = json::parse(*bytes, layout::lock_file);
  if (!value) return std::nullopt;
  json::ObjectReader reader(*value, std::string(layout::lock_file));
  LockHolder holder;
  holder.host = reader.text("host");
  holder.pid = static_cast<long>(reader.number("pid"));
  holder.since = reader.text("since");
  if (!reader.finish()) return std::nullopt;
  return holder;
}

TargetLock::TargetLock(TargetLock&&) noexcept = default;
TargetLock& TargetLock::operator=(TargetLock&&) noexcept = default;
TargetLock::~TargetLock() = default;

}  // namespace bundlesync::disk
