#include "base/near_word.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace sheaf {
namespace {

constexpr size_t kLettersMax = 64;

// Letters to add, drop or change, and neighbours to swap, to make one word of
// the other.
size_t Distance(std::string_view a, std::string_view b) {
  // Distances of a beginning of `a` from each beginning of `b`; `old` and
  // `older` have those of the beginnings one and two letters shorter.
  std::vector<size_t> older(b.size() + 1);
  std::vector<size_t> old(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    std::swap(older, old);
    std::swap(old, row);
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min(
          {old[j] + (a[i] == b[j] ? 0 : 1), old[j + 1] + 1, row[j] + 1});
      const bool swapped =
          i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j];
      if (swapped) row[j + 1] = std::min(row[j + 1], older[j - 1] + 1);
    }
  }
  return row.back();
}

}  // namespace

std::string DidYouMean(std::string_view word,
                       const std::vector<std::string>& candidates) {
  if (word.size() > kLettersMax) return "";
  // A word that is further off than a third of its letters is no help.
  size_t nearest = std::max<size_t>(1, word.size() / 3) + 1;
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
