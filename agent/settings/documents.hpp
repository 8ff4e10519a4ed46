#pragma once

#include <string>

/// Texts for people, made from the table of options.
namespace bundlesync::settings {

/// config/agent.yaml: every option with its meaning, defaults commented out.
std::string sample_yaml();
/// config/agent.schema.json: a JSON schema (draft 7) for that file, for editors and pipelines.
std::string yaml_schema();
/// config/env.example: the same as variables.
std::string sample_environment();
/// `config reference`: Markdown.
std::string reference();

}  // namespace bundlesync::settings
