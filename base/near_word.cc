#include "base/near_word.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace sheaf {
namespace {

constexpr size_t kLettersMax = 64;

// Letters to add, drop or change to make one word of the other.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string DidYouMean(std::string_view word,
                       const std::vector<std::string>& candidates) {
  if (word.size() > kLettersMax) return "";
  // A swap of neighbours counts as two. A word that is further off than a third
  // of its letters is no help.
  size_t nearest = std::max<size_t>(2, word.size() / 3) + 1;
  std::string_view found;
  for (const std::string& candidate : candidates) {
    const size_t distance = Distance(word, candidate);
    if (distance >= nearest || distance >= candidate.size()) continue;
    nearest = distance;
    found = candidate;
  }
  if (found.empty()) return "";
  return ", did you mean '" + std::string(found) + "'?";
}

}  // namespace sheaf
