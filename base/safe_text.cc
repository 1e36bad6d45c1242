#include "base/safe_text.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace sheaf {
namespace {

struct Range {
  uint32_t first = 0;
  uint32_t last = 0;
};

// In order.
constexpr Range kUnsafe[] = {
    {0x00, 0x1f},        // C0
    {0x7f, 0x9f},        // DEL and C1
    {0xad, 0xad},        // soft hyphen
    {0x61c, 0x61c},      // Arabic letter mark
    {0x180e, 0x180e},    // Mongolian vowel separator
    {0x200b, 0x200b},    // zero-width space
    {0x200e, 0x200f},    // left-to-right and right-to-left mark
    {0x2028, 0x202e},    // line separators, embeddings and overrides
    {0x2060, 0x206f},    // word joiner, isolates, deprecated formats
    {0xfeff, 0xfeff},    // byte order mark
    {0xfff9, 0xfffb},    // interlinear annotation
    {0xe0000, 0xe0fff},  // tags, variation selectors nobody can see
};

void AppendHex(std::string_view bytes, std::string* out) {
  for (const char c : bytes) {
    absl::StrAppend(
        out, "\\x",
        absl::Hex(static_cast<uint8_t>(c), absl::PadSpec::kZeroPad2));
  }
}

void AppendEscapeOfJson(uint32_t code, std::string* out) {
  const auto append = [out](uint32_t unit) {
    absl::StrAppend(out, "\\u", absl::Hex(unit, absl::PadSpec::kZeroPad4));
  };
  if (code < 0x10000) return append(code);
  append(0xd800 + ((code - 0x10000) >> 10));
  append(0xdc00 + ((code - 0x10000) & 0x3ff));
}

std::string Escaped(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character next = FirstCharacter(text);
    const size_t size = std::max(next.size, 1);
    const bool line_end = text[0] == '\n';
    if (line_end && !keep_lines) {
      out += "\\n";
    } else if (line_end || (next.size > 0 && !IsUnsafeCharacter(next.code))) {
      out += text.substr(0, size);
    } else {
      AppendHex(text.substr(0, size), &out);
    }
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace

bool IsUnsafeCharacter(uint32_t code) {
  if (code >= 0x20 && code < 0x7f) return false;
  const auto range = std::lower_bound(
      std::begin(kUnsafe), std::end(kUnsafe), code,
      [](const Range& one, uint32_t wanted) { return one.last < wanted; });
  return range != std::end(kUnsafe) && range->first <= code;
}

std::string Printable(std::string_view text) {
  return Escaped(text, /*keep_lines=*/false);
}

std::string PrintableLines(std::string_view text) {
  return Escaped(text, /*keep_lines=*/true);
}

std::string SafeJson(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Utf8Character next = FirstCharacter(json);
    const size_t size = std::max(next.size, 1);
    if (next.size == 0) {
      out += "\\ufffd";
    } else if (next.code >= 0x7f && IsUnsafeCharacter(next.code)) {
      AppendEscapeOfJson(next.code, &out);
    } else {
      out += json.substr(0, size);
    }
    json.remove_prefix(size);
  }
  return out;
}

}  // namespace sheaf
