#include "cli/support/text.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace sheaf::cli {
namespace {

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

int DisplayWidth(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Utf8Character next = FirstCharacter(text);
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
