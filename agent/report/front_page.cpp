#include "report/front_page.hpp"

#include "base/time.hpp"
#include "base/units.hpp"
#include "bundle/ed25519.hpp"
#include "report/front_page_style.hpp"
#include "report/line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ranges>
#include <utility>

namespace bundlesync::report {
namespace {

std::string style_source() {
  const std::string hex = Digest::of(front_page_style).hex();
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    bytes += static_cast<char>(byte);
  }
  return "'sha256-" + bundle::base64(bytes) + "'";
}

/// "5 min", with the moment itself behind it; what is no moment as it is.
std::string age(const Status& status, const std::string& when, std::string_view after = "") {
  const auto now = parse_time(status.written_at);
  const auto then = parse_time(when);
  if (!now || !then) return html(when);
  return fmt::format(R"(<time datetime="{0}" title="{0}">{1}{2}</time>)", html(when), rough(*now - *then), after);
}

std::string ago(const Status& status, const std::string& when) {
  return age(status, when, " ago");
}

bool shows_fallback(const TemplateLine& line) {
  return line.source == "local" || line.source == "filesystem";
}

const char* colour_of(const TemplateLine& line) {
  if (!line.out_of_date_since.empty()) {
    const bool on_its_way = line.state == "moving" || line.state == "fetching" || line.state == "validating";
    return on_its_way ? "warn" : "bad";
  }
  if (line.state == "current" && !shows_fallback(line)) return "good";
  return line.state == "absent" || line.state == "held" ? "bad" : "warn";
}

struct Sentence {
  const char* colour;
  std::string text;
};

std::string counted(std::ptrdiff_t count, std::size_t of) {
  return fmt::format("{} of {} template{}", count, of, of == 1 ? "" : "s");
}

/// What to know at first sight: the worst of it.
Sentence summary(const Status& status) {
  const auto& templates = status.templates;
  if (!status.standby.empty()) return {"warn", "Standby: " + status.standby};
  if (!status.ready) {
    std::string missing;
    for (const auto& name : status.missing) missing += (missing.empty() ? "" : ", ") + name;
    return {"bad", missing.empty() ? "Starting" : "Not ready: nothing to show for " + missing};
  }
  const auto late = std::ranges::count_if(templates, [](const auto& t) { return !t.out_of_date_since.empty(); });
  if (late > 0)
    return {"bad", counted(late, templates.size()) + (late == 1 ? " does" : " do") + " not show what is wanted"};
  const auto held = std::ranges::count(templates, "held", &TemplateLine::state);
  if (held > 0) return {"bad", counted(held, templates.size()) + " held: the database went back in time"};
  if (!status.remote) return {"warn", "Remote is off: neither database nor storage is followed"};
  const auto fallback = std::ranges::count_if(templates, shows_fallback);
  if (fallback > 0) return {"warn", counted(fallback, templates.size()) + " from local or fallback files"};
  for (const auto& source : status.sources) {
    if (!source.reachable) return {"warn", "The " + source.name + " is away; what is shown stays"};
  }
  return {"good", "Everything that is wanted is shown"};
}

std::string cell(std::string_view of, const std::string& content) {
  return fmt::format(R"(<td data-of="{}"><span>{}</span></td>)", of, content.empty() ? "–" : content);
}

std::string template_row(const Status& status, const TemplateLine& line) {
  std::string row = fmt::format("<tr><th scope=\"row\">{}</th>", html(line.name));
  row += cell("shows", line.version.empty() ? "" : "<code>" + html(line.version) + "</code>");
  row += cell("from", html(line.source)) + cell("since", ago(status, line.since));
  row += cell("wanted", line.desired_version.empty() ? "" : "<code>" + html(line.desired_version) + "</code>");
  row += fmt::format(R"(<td data-of="state"><span class="state {}">{}</span>)", colour_of(line), html(line.state));
  std::string why;
  if (!line.reason.empty()) why += "<small>" + html(line.reason) + "</small>";
  if (!line.detail.empty()) why += "<small class=\"mono\">" + html(line.detail) + "</small>";
  if (!line.out_of_date_since.empty())
    why += "<small>out of date for " + age(status, line.out_of_date_since) + "</small>";
  if (!line.next_try.empty()) why += "<small>next try " + html(line.next_try) + "</small>";
  return row + why + "</td></tr>\n";
}

std::string templates_section(const Status& status) {
  std::string out = "<h2>Templates</h2>\n<div class=\"card\">";
  if (status.templates.empty()) return out + "<p class=\"dim\">None yet.</p></div>\n";
  out += "<table><thead><tr><th>template</th><th>shows</th><th>from</th><th>since</th><th>wanted</th><th>state</th>";
  out += "</tr></thead><tbody>\n";
  for (const auto& line : status.templates) out += template_row(status, line);
  return out + "</tbody></table></div>\n";
}

std::string fact(std::string_view name, const std::string& content) {
  return content.empty() ? "" : fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, content);
}

std::string source_fact(const Status& status, const SourceStatus& source) {
  std::string text =
      source.reachable ? R"(<span class="good">reachable</span>)" : R"(<span class="bad">not reachable</span>)";
  text += source.last_contact.empty() ? ", never reached" : ", answered " + ago(status, source.last_contact);
  if (!source.error.empty()) text += "<small class=\"mono bad\">" + html(source.error) + "</small>";
  if (source.name == "database" && !status.host.empty()) {
    text += "<small>" + html(status.host) + ", as " + html(status.role) + "</small>";
  }
  return fact(html(source.name), text);
}

std::string contact_section(const Status& status) {
  std::string out = "<h2>Contact</h2>\n<div class=\"card\">";
  if (!status.remote) {
    return out + "<p class=\"dim\">Remote is off: neither database nor storage is ever asked.</p></div>\n";
  }
  if (!status.standby.empty() && status.sources.empty()) {
    return out + "<p class=\"dim\">A standby asks neither database nor storage.</p></div>\n";
  }
  out += "<dl>";
  bool storage_asked = false;
  for (const auto& source : status.sources) {
    out += source_fact(status, source);
    storage_asked = storage_asked || source.name == "storage";
  }
  if (!storage_asked) out += fact("storage", "not asked yet: nothing had to be fetched");
  const char* proven = status.listen_verified ? ", notifications arrive" : ", notifications not proven";
  out += fact("mode", html(status.mode) + (status.mode == "poll" ? "" : proven));
  std::string key = html(status.key_role);
  if (!status.key_expires.empty())
    key += (key.empty() ? "" : ", ") + std::string("expires ") + html(status.key_expires);
  out += fact("storage key", key);
  return out + "</dl></div>\n";
}

std::string disk_fact(const Status& status) {
  std::uint64_t used = 0;
  for (const auto& [area, bytes] : status.disk_bytes) used += bytes;
  if (status.disk_budget_bytes == 0) return "";
  constexpr double kMiB = 1 << 20;
  const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / kMiB; };
  const std::uint64_t budget = status.disk_budget_bytes;
  return fact("disk", fmt::format(R"({:.1f} of {:.0f} MiB<br><meter min="0" max="{}" high="{}" value="{}"></meter>)",
                                  mib(used), mib(budget), budget, budget / 5 * 4, used));
}

std::string agent_section(const std::vector<NamedStatus>& targets) {
  const Status& first = targets.front().status;
  std::string out = "<h2>Agent</h2>\n<div class=\"card\"><dl>";
  out += fact("started", ago(first, first.started_at)) + fact("epoch", html(first.epoch));
  for (const auto& [name, status] : targets) {
    out += fact("target", "<code>" + html(status.target) + "</code>, view " + std::to_string(status.view));
    out += disk_fact(status);
  }
  return out + "</dl></div>\n";
}

std::string problems_section(const Status& status) {
  std::string lines;
  if (!status.last_error.empty()) {
    lines += fmt::format("<p>Last error, {}: <span class=\"mono\">{}</span></p>", ago(status, status.last_error_at),
                         html(status.last_error));
  }
  for (const auto& problem : status.problems) lines += "<p class=\"warn mono\">" + html(problem) + "</p>";
  for (const auto& what : status.privileged) {
    lines += "<p class=\"warn\">" + html(what) + " may do more than the agent needs</p>";
  }
  if (lines.empty()) return "";
  return "<h2>Errors and problems</h2>\n<div class=\"card\">" + lines + "</div>\n";
}

std::string events_section(const Status& status, const std::deque<Event>& events) {
  std::string out = "<h2>Last events</h2>\n<div class=\"card\">";
  if (events.empty()) return out + "<p class=\"dim\">None yet.</p></div>\n";
  out += "<ol>\n";
  for (const auto& event : std::views::reverse(events)) {
    const char* colour = event.severity == Severity::error ? "bad" : event.severity == Severity::warn ? "warn" : "";
    out +=
        fmt::format("<li>{}<span class=\"mono {}\">{}</span></li>\n", ago(status, event.at), colour, html(event.text));
  }
  return out + "</ol></div>\n";
}

}  // namespace

std::string html(std::string_view text) {
  std::string out;
  for (const char c : escaped(text, prose_bytes_max)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string rough(std::chrono::duration<double> age) {
  const auto seconds = static_cast<std::uint64_t>(std::max(0.0, age.count()));
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86'400);
}

std::string target_part(const NamedStatus& of) {
  const Sentence sentence = summary(of.status);
  std::string part;
  if (!of.name.empty()) {
    part = fmt::format("<header><h1>{}</h1><span>{}</span></header>\n", html(of.name), html(of.status.target));
  }
  part += fmt::format("<div class=\"sum {}\">{}</div>\n", sentence.colour, html(sentence.text));
  return part + templates_section(of.status) + contact_section(of.status) + problems_section(of.status);
}

Page front_page(const std::vector<NamedStatus>& targets, const std::deque<Event>& events) {
  const Status& status = targets.front().status;
  std::string body = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  body += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  body += "<meta http-equiv=\"refresh\" content=\"10\">\n";
  body += fmt::format("<title>bundlesync {}</title>\n<style>{}</style>\n</head>\n<body><main>\n", html(status.target),
                      front_page_style);
  body += fmt::format("<header><h1>bundlesync</h1><span>{}</span><span>as of {}</span></header>\n",
                      html(status.agent_version), html(status.written_at));
  for (const auto& target : targets) body += target_part(target);
  body += events_section(status, events) + agent_section(targets);
  body += "<footer><a href=\"/status\">status as JSON</a><a href=\"/metrics\">metrics</a>";
  body += "<a href=\"/healthz\">alive?</a><a href=\"/readyz\">ready?</a></footer>\n</main></body>\n</html>\n";

  static const std::string policy = "default-src 'none'; style-src " + style_source() +
                                    "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  Page page;
  page.content_type = "text/html; charset=utf-8";
  page.headers = {
      {"Content-Security-Policy", policy}, {"X-Content-Type-Options", "nosniff"}, {"Referrer-Policy", "no-referrer"}};
  page.body = std::move(body);
  return page;
}

}  // namespace bundlesync::report
