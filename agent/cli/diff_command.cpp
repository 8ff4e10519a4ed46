#include "async/loop.hpp"
#include "cli/database.hpp"
#include "cli/output.hpp"
#include "cli/publish_json.hpp"
#include "cli/verbs.hpp"
#include "cli/wiring.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace bundlesync::cli {
namespace {

using Texts = std::vector<publish::TextDifference>;

/// "kind note → letter, locale fr → en" of a file that is in both versions.
std::string words_of_change(const publish::FileDifference& file) {
  std::string words;
  const auto add = [&](std::string_view what, const std::string& before, const std::string& after) {
    if (before == after) return;
    words += fmt::format("{}{} {} → {}", words.empty() ? "" : ", ", what, before.empty() ? "none" : before,
                         after.empty() ? "none" : after);
  };
  add("kind", file.before->kind, file.after->kind);
  add("role", file.before->role, file.after->role);
  add("locale", file.before->locale, file.after->locale);
  if (file.bytes_differ()) {
    words += fmt::format("{}{} → {}", words.empty() ? "" : ", ", file.before->bytes,
                         counted(file.after->bytes, "byte", "bytes"));
  }
  return words;
}

std::string words_of(const publish::FileDifference& file) {
  if (file.before && file.after) return words_of_change(file);
  const publish::FileLine& line = file.before ? *file.before : *file.after;
  std::string words = line.kind.empty() ? "role " + line.role : "kind " + line.kind;
  if (!line.locale.empty()) words += ", locale " + line.locale;
  return words + ", " + counted(line.bytes, "byte", "bytes");
}

/// As `patch` needs it where a program reads; a terminal gets no control bytes, and colours where they are welcome.
void print_unified(const Context& context, const std::string& unified) {
  const bool terminal = context.streams.out_is_terminal;
  const bool colour = wants_colour(context.environment, terminal);
  std::string_view rest = unified;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const char sign = line.empty() ? ' ' : line.front();
    const std::string_view code = sign == '+' ? "\x1b[32m" : sign == '-' ? "\x1b[31m" : sign == '@' ? "\x1b[36m" : "";
    const bool painted = colour && !code.empty();
    if (painted) context.out() << code;
    context.out() << (terminal ? safe_line(line) : std::string(line)) << (painted ? "\x1b[0m\n" : "\n");
  }
}

void print_text(const Context& context, const publish::DiffResult& result, const Texts& texts) {
  for (std::size_t i = 0; i < result.files.size(); ++i) {
    const auto& file = result.files[i];
    const auto& text = texts[i];
    context.out() << to_string(file.what) << ' ' << shown(file.path) << ": " << shown(words_of(file)) << '\n';
    if (text.binary) context.out() << "binary: not shown\n";
    if (text.bounded) {
      context.out() << fmt::format("{} lines differ: too many to show (-{} +{})\n", text.removed + text.added,
                                   text.removed, text.added);
    }
    print_unified(context, text.unified);
  }
}

void print_stat(const Context& context, const publish::DiffResult& result, const Texts& texts) {
  Table table({"FILE", "CHANGE", "REMOVED", "ADDED", "WHAT"});
  for (std::size_t i = 0; i < result.files.size(); ++i) {
    const auto& file = result.files[i];
    const auto& text = texts[i];
    table.add({file.path, std::string(to_string(file.what)), text.binary ? "-" : std::to_string(text.removed),
               text.binary ? "-" : std::to_string(text.added), (text.binary ? "binary, " : "") + words_of(file)});
  }
  table.print(context.out());
}

void print_document(const Context& context, const publish::DiffResult& result, const Texts& texts) {
  boost::json::object object = document();
  object["template"] = result.template_name;
  object["before"] = result.before;
  object["after"] = result.after;
  object["same_files"] = result.same;
  boost::json::array& rows = object["files"].emplace_array();
  for (std::size_t i = 0; i < result.files.size(); ++i) {
    const auto& file = result.files[i];
    boost::json::object row;
    row["path"] = file.path;
    row["change"] = to_string(file.what);
    row["before"] = file.before ? boost::json::value(to_json(*file.before)) : boost::json::value(nullptr);
    row["after"] = file.after ? boost::json::value(to_json(*file.after)) : boost::json::value(nullptr);
    if (!texts.empty()) {
      row["binary"] = texts[i].binary;
      row["removed_lines"] = texts[i].removed;
      row["added_lines"] = texts[i].added;
      row["unified"] = text_or_null(texts[i].unified);
    }
    rows.push_back(std::move(row));
  }
  print_json(context.out(), object);
}

Result<Texts> compare_all(const Context& context, const settings::Settings& settings,
                          const publish::DiffResult& result) {
  async::Loop loop;
  auto storage = open_storage_with_retries(settings, loop.executor(), loop.pool(), loop.clock());
  if (!storage) return fail(storage.error());
  Texts texts;
  Progress progress(context.streams);
  for (const auto& file : result.files) {
    progress.show(texts.size(), result.files.size(), file.path);
    auto text = loop.run(publish::diff_text(**storage, result, file, settings.limits.file_bytes_max));
    if (!text) return fail(std::move(text.error()).within(file.path));
    texts.push_back(std::move(*text));
  }
  return texts;
}

}  // namespace

Result<ExitCode> diff(const Context& context, const DiffArguments& arguments) {
  auto settings = context.settings(settings::Purpose::people);
  if (!settings) return fail(settings.error());
  auto database = Database::open(context, *settings);
  if (!database) return fail(database.error());
  auto result = publish::diff((*database)->catalog(), arguments.template_name, arguments.before, arguments.after);
  if (!result) return fail(result.error());
  Texts texts;
  if (!arguments.name_only && !result->files.empty()) {
    auto compared = compare_all(context, *settings, *result);
    if (!compared) return fail(compared.error());
    texts = std::move(*compared);
  }
  if (context.json) {
    print_document(context, *result, texts);
  } else if (arguments.name_only) {
    for (const auto& file : result->files) context.out() << shown(file.path) << '\n';
  } else if (arguments.stat) {
    print_stat(context, *result, texts);
  } else {
    print_text(context, *result, texts);
  }
  return result->exit_code();
}

}  // namespace bundlesync::cli
