// Byte-pair encoding as CLIP uses it: words become symbols, and the symbols'
// pairs are merged in the order of a learned list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace sheaf::engine {

// Immutable after Make(); any thread may encode.
class Bpe {
 public:
  // `merges`: pairs, best first. INVALID_ARGUMENT where an id is negative or
  // too large.
  static absl::StatusOr<Bpe> Make(
      std::vector<std::pair<std::string, int64_t>> vocabulary,
      const std::vector<std::pair<std::string, std::string>>& merges,
      std::string_view unknown);

  // Appends the ids of one word (UTF-8, of at least one byte).
  void Encode(std::string_view word, std::vector<int64_t>* ids) const;

  // The id of a token as it stands in the vocabulary, or -1.
  int64_t Id(std::string_view token) const;

 private:
  int64_t Rank(int left, int right) const;

  // We number the symbols: byte symbols, their word-ending forms, and the
  // results of merges.
  struct Merge {
    int64_t rank;
    int result;
  };
  std::unordered_map<std::string, int64_t> ids_;
  std::vector<int64_t> symbol_ids_;  // In the vocabulary; -1: not there.
  std::unordered_map<uint64_t, Merge> merges_;
  int64_t unknown_ = -1;
};

}  // namespace sheaf::engine
