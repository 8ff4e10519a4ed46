#pragma once

#include <optional>
#include <string>
#include <vector>

/// The same three bundles and the same three digests for bundlesync.manifest_sha256() in SQL and manifest_digest() in
/// C++: neither may change alone. Plain values, so that a test of either side needs nothing of the other.
namespace bundlesync::tests {

struct VectorFile {
  std::string path;
  std::string sha256;
  std::optional<long long> size;
  std::string kind;    ///< empty: null
  std::string locale;  ///< empty: null
  std::string role;    ///< empty: null
};

struct ManifestVector {
  std::string name;
  std::vector<VectorFile> files;  ///< not in canonical order on purpose
  std::string manifest_sha256;
};

inline const std::vector<ManifestVector>& manifest_vectors() {
  static const std::vector<ManifestVector> vectors = {
      {"one file",
       {{"section7_master.md", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", 4, "master_prompt",
         "fr", ""}},
       "ebdb9990230fc88301f6f00894dc8a95b091e67dd0d2500959dd5f7aa301da9a"},
      // A prompt that no artifact stands beside has neither size nor kind; no locale anywhere.
      {"nulls",
       {{"prompts/user.md", "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", std::nullopt, "", "",
         "user"},
        {"config.json", "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9", 0, "json_config", "", ""}},
       "0bfd6cbad268403f5bafcd8a16b2a36b3d28d3169f1196ac26c1b7653a3c2b03"},
      // Bytewise '-' < '.' < '/' < '0' < 'B' < '_' < 'a': any other collation orders these differently.
      {"bytewise order",
       {{"a/b", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3, "golden_example", "en", ""},
        {"a_b", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 2147483647, "golden_example", "",
         ""},
        {"a-b", "18ac3e7343f016890c510e93f935261169d9e3f565436429830faf0934f4f8e4", 1, "golden_example", "fr", ""},
        {"B", "df7e70e5021544f4834bbee64a9e3789febc4be81470df629cad6ddb03320a5c", 16777216, "prompt_manager", "fr",
         "manager"},
        {"a.b", "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d", 2, "golden_example", "en", ""},
        {"a0b", "2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6", 5, "golden_example", "", "system"}},
       "47b0aebbde807935c5a62373a6e7ad919acfad09a805fc4a3ce81dc3896e09aa"},
  };
  return vectors;
}

}  // namespace bundlesync::tests
