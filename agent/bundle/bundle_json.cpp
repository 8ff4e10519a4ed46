#include "bundle/bundle_json.hpp"

#include "base/json_read.hpp"
#include "bundle/manifest_file.hpp"
#include "bundle/path_rules.hpp"

#include <algorithm>

namespace bundlesync::bundle {
namespace {

namespace bj = boost::json;

bj::value text_or_null(const std::string& text) {
  return text.empty() ? bj::value(nullptr) : bj::value(text);
}

Error refusal(std::string fact, std::string_view reason) {
  return Error(ErrorKind::refused, std::move(fact)).with_reason(reason);
}

Result<File> parse_file(const bj::value& value, std::string where) {
  json::ObjectReader reader(value, std::move(where));
  File file;
  file.path = reader.text("path");
  file.kind = reader.text_or_empty("kind");
  file.locale = reader.text_or_empty("locale");
  file.role = reader.text_or_empty("role");
  file.content_type = reader.text_or_empty("content_type");
  file.sha256 = reader.digest("sha256");
  file.size = reader.optional_number("size");
  if (auto done = reader.finish(); !done) return fail(std::move(done).error());
  return file;
}

Result<void> judge(const Bundle& bundle, const Digest& recorded) {
  const std::string name(bundle_json_name);
  if (const auto problem = name_problem(bundle.template_name)) {
    return fail(refusal(name + ": template '" + bundle.template_name + "': " + std::string(describe_problem(*problem)),
                        *problem));
  }
  // "filesystem", or what another tool wrote: not always a semver.
  if (const auto problem = version_problem(bundle.version)) {
    return fail(
        refusal(name + ": version '" + bundle.version + "': " + std::string(describe_problem(*problem)), *problem));
  }
  if (const auto problem = bundle_problem(bundle.files)) {
    return fail(refusal(name + ": '" + problem->path + "': " + std::string(describe_problem(problem->reason)),
                        problem->reason));
  }
  if (!std::ranges::is_sorted(bundle.files, {}, &File::path)) {
    return fail(refusal(name + ": files are not sorted by path", "bundle_unsorted"));
  }
  if (const auto manifest = manifest_digest(bundle.files); manifest != recorded) {
    return fail(Error(ErrorKind::damaged,
                      name + ": manifest_sha256 is " + recorded.hex() + ", its files make " + manifest.hex())
                    .with_reason("manifest_changed"));
  }
  return {};
}

}  // namespace

std::string bundle_to_json(const Bundle& bundle) {
  bj::object object;
  object["template"] = bundle.template_name;
  object["version"] = bundle.version;
  object["manifest_sha256"] = manifest_digest(bundle.files).hex();
  object["default_locale"] = text_or_null(bundle.default_locale);
  auto sorted = bundle.files;
  std::ranges::sort(sorted, {}, &File::path);
  bj::array files;
  for (const auto& file : sorted) {
    bj::object entry;
    entry["path"] = file.path;
    entry["kind"] = text_or_null(file.kind);
    entry["locale"] = text_or_null(file.locale);
    entry["role"] = text_or_null(file.role);
    entry["content_type"] = text_or_null(file.content_type);
    entry["sha256"] = file.sha256.hex();
    entry["size"] = file.size ? bj::value(*file.size) : bj::value(nullptr);
    files.push_back(std::move(entry));
  }
  object["files"] = std::move(files);
  return json::pretty(object);
}

Result<Bundle> bundle_from_json(std::string_view text) {
  const auto value = json::parse(text, bundle_json_name);
  if (!value) return fail(value.error());
  json::ObjectReader reader(*value, std::string(bundle_json_name));
  Bundle bundle;
  bundle.template_name = reader.text("template");
  bundle.version = reader.text("version");
  const auto recorded = reader.digest("manifest_sha256");
  bundle.default_locale = reader.text_or_empty("default_locale");
  const auto elements = reader.elements("files");
  for (std::size_t i = 0; i < elements.size(); ++i) {
    auto file = parse_file(*elements[i], reader.at("files") + "[" + std::to_string(i) + "]");
    if (!file) return fail(std::move(file).error());
    bundle.files.push_back(std::move(*file));
  }
  if (auto done = reader.finish(); !done) return fail(std::move(done).error());
  if (auto good = judge(bundle, recorded); !good) return fail(std::move(good).error());
  return bundle;
}

}  // namespace bundlesync::bundle
