#include "cli/text.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"

namespace sheaf::cli {
namespace {

struct Decoded {
  uint32_t code = 0;
  int size = 0;  // 0: the first byte begins no character.
};

Decoded DecodeFirst(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const int size = first >= 0xf0   ? 4
                   : first >= 0xe0 ? 3
                   : first >= 0xc2 ? 2
                                   : 0;
  if (size == 0 || first > 0xf4 || text.size() < static_cast<size_t>(size)) {
    return {};
  }
  uint32_t code = first & (0x7f >> size);
  for (int i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[size] || code > 0x10ffff || surrogate) return {};
  return {code, size};
}

// C0 and C1 controls, and the marks that reorder a line (a label could
// otherwise show itself as another one).
bool IsControl(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
         (code >= 0x202a && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0x2028 || code == 0x2029;
}

int WidthOf(uint32_t code) {
  const auto in = [&](uint32_t low, uint32_t high) {
    return code >= low && code <= high;
  };
  if (in(0x300, 0x36f) || in(0x200b, 0x200d) || in(0xfe00, 0xfe0f)) return 0;
  const bool wide =
      in(0x1100, 0x115f) || in(0x2e80, 0xa4cf) || in(0xac00, 0xd7a3) ||
      in(0xf900, 0xfaff) || in(0xfe30, 0xfe6f) || in(0xff00, 0xff60) ||
      in(0xffe0, 0xffe6) || in(0x1f300, 0x1faff) || in(0x20000, 0x3fffd);
  return wide ? 2 : 1;
}

// Edits between two words; a swap of neighbours counts as one.
int EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<int>> cost(a.size() + 1,
                                     std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = static_cast<int>(i + j);
        continue;
      }
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                             cost[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const Decoded next = DecodeFirst(text);
    if (next.size == 0) return false;
    text.remove_prefix(next.size);
  }
  return true;
}

std::string Printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Decoded next = DecodeFirst(text);
    const size_t size = std::max(next.size, 1);
    if (next.size > 0 && !IsControl(next.code)) {
      out.append(text.substr(0, size));
    } else if (text[0] == '\n') {
      out += "\\n";
    } else {
      for (const char c : text.substr(0, size)) {
        absl::StrAppend(
            &out, "\\x",
            absl::Hex(static_cast<uint8_t>(c), absl::PadSpec::kZeroPad2));
      }
    }
    text.remove_prefix(size);
  }
  return out;
}

int DisplayWidth(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Decoded next = DecodeFirst(text);
    width += next.size == 0 ? 1 : WidthOf(next.code);
    text.remove_prefix(std::max(next.size, 1));
  }
  return width;
}

std::string Closest(std::string_view word,
                    const std::vector<std::string>& candidates) {
  // Far-off words are no help: at most a third of the letters may differ.
  if (word.empty() || word.size() > 64) return "";
  int best = static_cast<int>(std::max<size_t>(1, word.size() / 3)) + 1;
  std::string closest;
  for (const std::string& candidate : candidates) {
    const int distance = EditDistance(word, candidate);
    if (distance < best) {
      best = distance;
      closest = candidate;
    }
  }
  return closest;
}

std::string DidYouMean(std::string_view word,
                       const std::vector<std::string>& candidates) {
  const std::string closest = Closest(word, candidates);
  return closest.empty() ? "" : absl::StrCat(", did you mean '", closest, "'?");
}

}  // namespace sheaf::cli
