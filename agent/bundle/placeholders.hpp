#pragma once

#include <set>
#include <string>
#include <string_view>

namespace bundlesync::bundle {

/// The names that a text asks to be filled in: `{{name}}`, with or without spaces inside, `{{{name}}}` and `{{&name}}`,
/// and what Mustache opens with `{{#name}}` or `{{^name}}`. A name is [A-Za-z_][A-Za-z0-9_.-]*, at most 100 bytes;
/// anything else between braces (`{{/name}}`, `{{#if name}}`, `{{ a + b }}`) is none.
std::set<std::string> placeholders(std::string_view text);

}  // namespace bundlesync::bundle
