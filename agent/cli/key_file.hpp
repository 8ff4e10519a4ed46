#pragma once

#include "bundle/ed25519.hpp"
#include "cli/output.hpp"

#include <string>

namespace bundlesync::cli {

/// The private key in `file`, which may be a pipe or a descriptor (/dev/fd/3); "-" is standard input. Notes on err when
/// others may read the file. usage for what is no key, or cannot be read.
Result<bundle::SigningKey> read_signing_key(const Streams& streams, const std::string& file);

/// Makes `file` with mode 0600, on disk when it returns. conflict when there is such a file: a key is never
/// overwritten. Nothing is left after an error.
Result<void> write_signing_key(const std::string& file, const bundle::SigningKey& key);

}  // namespace bundlesync::cli
