#include "rigs/lies.hpp"

#include <fmt/format.h>

#include <chrono>

namespace bundlesync::rigs {
namespace {

using namespace std::chrono_literals;
using tests::answer_of;

std::string with_length(std::string_view length, std::string_view body, std::string_view more = "") {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/markdown\r\nContent-Length: {}\r\n{}\r\n{}", length, more,
                     body);
}

std::string flipped(std::string body) {
  body[body.size() / 2] = static_cast<char>(body[body.size() / 2] ^ 1);
  return body;
}

/// Until the agent leaves: a lie that hangs.
void hang(Told& told) {
  told.peer().wait_closed(60s);
}

void trickle(Told& told, std::string_view bytes) {
  for (const char byte : bytes) {
    if (!told.say(std::string_view(&byte, 1)) || told.peer().wait_closed(1s)) return;
  }
}

/// A lie that is one text.
Lie text(std::string name, std::function<std::string(const std::string& body, const std::string& other)> of) {
  Lie lie;
  lie.name = std::move(name);
  lie.tell = [of = std::move(of)](Told& told, const std::string& body, const std::string& other, std::uint16_t) {
    told.say(of(body, other));
  };
  return lie;
}

Lie acted(std::string name, std::function<void(Told& told, const std::string& body)> act) {
  Lie lie;
  lie.name = std::move(name);
  lie.tell = [act = std::move(act)](Told& told, const std::string& body, const std::string&, std::uint16_t) {
    act(told, body);
  };
  return lie;
}

void add_bodies(std::vector<Lie>& all) {
  all.push_back(text("flip", [](const auto& body, const auto&) { return answer_of(flipped(body)); }));
  all.push_back(text("truncate", [](const auto& body, const auto&) { return answer_of(body.substr(0, 100)); }));
  all.push_back(text("truncate_and_close", [](const auto& body, const auto&) {
    return with_length(std::to_string(body.size()), body.substr(0, 100));
  }));
  all.push_back(text("extend", [](const auto& body, const auto&) { return answer_of(body + "and more"); }));
  all.push_back(text("extend_without_saying", [](const auto& body, const auto&) {
    return with_length(std::to_string(body.size()), flipped(body) + std::string(100'000, 'y'));
  }));
  all.push_back(text("swap", [](const auto&, const auto& other) { return answer_of(other); }));
  all.push_back(text("empty", [](const auto&, const auto&) { return answer_of(""); }));
  all.push_back(text("no_content", [](const auto&, const auto&) { return "HTTP/1.1 204 No Content\r\n\r\n"; }));
  all.push_back(text("html", [](const auto& body, const auto&) {
    std::string page = "<html><body>Sign in to your network</body></html>";
    page.resize(body.size(), ' ');
    return answer_of(page, 200, "Content-Type: text/html\r\n");
  }));
  all.push_back(text("gzip", [](const auto& body, const auto&) {
    return answer_of("\x1f\x8b\x08" + body.substr(3), 200, "Content-Encoding: gzip\r\n");
  }));
}

void add_ranges_and_lengths(std::vector<Lie>& all) {
  all.push_back(text("unasked_range", [](const auto& body, const auto&) {
    return answer_of(body.substr(0, 100), 206, fmt::format("Content-Range: bytes 0-99/{}\r\n", body.size()));
  }));
  all.push_back(text("wrong_range", [](const auto& body, const auto&) {
    return answer_of(flipped(body), 206, "Content-Range: bytes 500-100/7\r\n");
  }));
  all.push_back(
      text("negative_length", [](const auto& body, const auto&) { return with_length("-1", flipped(body)); }));
  all.push_back(text("overflowing_length", [](const auto& body, const auto&) {
    return with_length("99999999999999999999999", flipped(body));
  }));
  all.push_back(text("two_lengths", [](const auto& body, const auto&) {
    return with_length(std::to_string(body.size()), flipped(body), "Content-Length: 5\r\n");
  }));
  all.push_back(text("length_and_chunks", [](const auto& body, const auto&) {
    return with_length(std::to_string(body.size()), "5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n");
  }));
  all.push_back(text("garbage", [](const auto&, const auto&) { return std::string(5000, '\x07'); }));
}

void add_endless(std::vector<Lie>& all) {
  all.push_back(acted("endless_body", [](Told& told, const std::string&) {
    told.say("HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n");
    told.say_for_ever(std::string(16 << 10, 'z'));
  }));
  all.push_back(acted("chunks_for_ever", [](Told& told, const std::string&) {
    told.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    told.say_for_ever("400\r\n" + std::string(1024, 'z') + "\r\n");
  }));
  all.push_back(acted("huge_header", [](Told& told, const std::string&) {
    told.say("HTTP/1.1 200 OK\r\nX-Huge: ");
    told.say_for_ever(std::string(16 << 10, 'h'));
  }));
  all.push_back(acted("headers_for_ever", [](Told& told, const std::string&) {
    told.say("HTTP/1.1 200 OK\r\n");
    told.say_for_ever("X-More: of the same\r\n");
  }));
}

void add_slow(std::vector<Lie>& all) {
  all.push_back(acted("one_byte_a_second", [](Told& told, const std::string& body) {
    told.say(with_length(std::to_string(body.size()), ""));
    trickle(told, body);
  }));
  all.push_back(acted("slow_header", [](Told& told, const std::string& body) { trickle(told, answer_of(body)); }));
  all.push_back(acted("silence", [](Told& told, const std::string&) { hang(told); }));
  all.push_back(acted("silence_in_the_body", [](Told& told, const std::string& body) {
    told.say(with_length(std::to_string(body.size()), body.substr(0, 100)));
    hang(told);
  }));
  all.push_back(acted("reset_in_the_body", [](Told& told, const std::string& body) {
    told.say(with_length(std::to_string(body.size()), body.substr(0, 100)));
    told.peer().pause(50ms);
    told.peer().reset();
  }));
}

}  // namespace

bool Told::say(std::string_view bytes) {
  if (!peer_.send(bytes)) return false;
  sent_ += bytes.size();
  return true;
}

void Told::say_for_ever(std::string_view bytes) {
  constexpr std::uint64_t enough = 64ULL << 20;
  while (sent_ < enough && say(bytes)) {
  }
}

std::vector<Lie> lies() {
  std::vector<Lie> all;
  add_bodies(all);
  add_ranges_and_lengths(all);
  add_endless(all);
  add_slow(all);
  Lie redirect;
  redirect.name = "redirect";
  redirect.tell = [](Told& told, const std::string&, const std::string&, std::uint16_t sink_port) {
    told.say(answer_of("", 302, fmt::format("Location: http://127.0.0.1:{}/object\r\n", sink_port)));
  };
  all.push_back(std::move(redirect));
  Lie truth = text("truth", [](const auto& body, const auto&) { return answer_of(body); });
  truth.honest = true;
  all.push_back(std::move(truth));
  return all;
}

std::string key_of(std::string_view request) {
  constexpr std::string_view bucket = "/template-artifacts/";
  const auto begin = request.find(bucket);
  if (begin == std::string_view::npos) return {};
  const auto key = request.substr(begin + bucket.size());
  return std::string(key.substr(0, key.find_first_of(" ?")));
}

}  // namespace bundlesync::rigs
