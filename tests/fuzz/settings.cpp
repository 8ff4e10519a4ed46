// agent.yaml, and the storage's URL.
#include "settings/settings.hpp"

#include "fuzz/fuzz.hpp"

using namespace bundlesync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  settings::Sources sources;
  sources.yaml = settings::YamlText{"agent.yaml", std::string(text)};
  sources.purpose = size % 2 == 0 ? settings::Purpose::agent : settings::Purpose::people;
  sources.read_file = [](const std::string&) {
    return Result<std::string>(fail(ErrorKind::not_found, "no such file"));
  };
  const auto loaded = settings::load(sources);
  if (!loaded) {
    fuzz::must(loaded.error().kind() == ErrorKind::usage, "settings that are refused are a matter of usage");
  }
  if (const auto url = settings::parse_storage_url(text)) {
    const auto again = settings::parse_storage_url(settings::to_string(*url));
    fuzz::must(again && *again == *url, "a URL in our spelling means the same");
  }
  return 0;
}
