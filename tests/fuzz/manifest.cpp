// manifest.json of an author, and .bundle.json of a tree.
#include "bundle/bundle_json.hpp"
#include "bundle/manifest_file.hpp"
#include "bundle/path_rules.hpp"
#include "fuzz/fuzz.hpp"

using namespace bundlesync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  if (const auto manifest = bundle::parse_manifest(text)) {
    const auto again = bundle::parse_manifest(bundle::write_manifest(*manifest));
    fuzz::must(again && *again == *manifest, "what is written is read as the same");
  }
  if (const auto whole = bundle::bundle_from_json(text)) {
    fuzz::must(!bundle::bundle_problem(whole->files), "a bundle that is taken breaks no rule");
  }
  return 0;
}
