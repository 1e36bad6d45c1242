#include "inference/engine/text/bpe.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "inference/engine/text/unicode.h"

namespace sheaf::engine {
namespace {

constexpr std::string_view kWordEnd = "</w>";
constexpr int64_t kIdMax = 10'000'000;
constexpr int kBytes = 256;

// Every byte as a printable character: those that print stand for themselves,
// the others follow from U+0100 on. The vocabulary is written in these.
std::string CharacterOf(int byte) {
  const auto prints = [](int b) {
    return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) ||
           (b >= 0xAE && b <= 0xFF);
  };
  char32_t code = static_cast<char32_t>(byte);
  if (!prints(byte)) {
    code = 0x100;
    for (int b = 0; b < byte; ++b) code += prints(b) ? 0 : 1;
  }
  std::string text;
  AppendUtf8(code, &text);
  return text;
}

uint64_t PairKey(int left, int right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

absl::StatusOr<Bpe> Bpe::Make(
    std::vector<std::pair<std::string, int64_t>> vocabulary,
    const std::vector<std::pair<std::string, std::string>>& merges,
    std::string_view unknown) {
  Bpe bpe;
  for (auto& [token, id] : vocabulary) {
    if (id < 0 || id > kIdMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("vocabulary: ", token, " has the id ", id));
    }
    bpe.ids_.emplace(std::move(token), id);
  }
  // Symbol b is byte b, symbol 256 + b the same at the end of a word.
  std::unordered_map<std::string, int> symbols;
  const auto symbol_of = [&](const std::string& token) {
    const auto [place, is_new] =
        symbols.emplace(token, static_cast<int>(bpe.symbol_ids_.size()));
    if (is_new) bpe.symbol_ids_.push_back(bpe.Id(token));
    return place->second;
  };
  for (int byte = 0; byte < kBytes; ++byte) symbol_of(CharacterOf(byte));
  for (int byte = 0; byte < kBytes; ++byte) {
    symbol_of(CharacterOf(byte) + std::string(kWordEnd));
  }
  int64_t rank = 0;
  for (const auto& [left, right] : merges) {
    const int a = symbol_of(left);
    const int b = symbol_of(right);
    const int result = symbol_of(left + right);
    bpe.merges_.emplace(PairKey(a, b), Merge{rank++, result});
  }
  bpe.unknown_ = bpe.Id(unknown);
  return bpe;
}

int64_t Bpe::Id(std::string_view token) const {
  const auto found = ids_.find(std::string(token));
  return found == ids_.end() ? -1 : found->second;
}

int64_t Bpe::Rank(int left, int right) const {
  const auto found = merges_.find(PairKey(left, right));
  return found == merges_.end() ? std::numeric_limits<int64_t>::max()
                                : found->second.rank;
}

void Bpe::Encode(std::string_view word, std::vector<int64_t>* ids) const {
  // A hostile word may be as long as the prompt, and each round walks it, so
  // long words are cut. 4096 bytes are far more than 75 tokens hold.
  constexpr size_t kWordBytesMax = 4096;
  std::vector<int> symbols;
  for (const char c : word.substr(0, kWordBytesMax)) {
    symbols.push_back(static_cast<unsigned char>(c));
  }
  if (symbols.empty()) return;
  symbols.back() += kBytes;
  while (symbols.size() > 1) {
    int64_t best = std::numeric_limits<int64_t>::max();
    size_t at = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const int64_t rank = Rank(symbols[i], symbols[i + 1]);
      if (rank < best) {
        best = rank;
        at = i;
      }
    }
    if (best == std::numeric_limits<int64_t>::max()) break;
    // All occurrences of the pair, from the left.
    const int left = symbols[at];
    const int right = symbols[at + 1];
    const int result = merges_.at(PairKey(left, right)).result;
    size_t to = at;
    for (size_t from = at; from < symbols.size(); ++to) {
      const bool pair = from + 1 < symbols.size() && symbols[from] == left &&
                        symbols[from + 1] == right;
      symbols[to] = pair ? result : symbols[from];
      from += pair ? 2 : 1;
    }
    symbols.resize(to);
  }
  for (const int symbol : symbols) {
    const int64_t id = symbol_ids_[symbol];
    if (id >= 0 || unknown_ >= 0) ids->push_back(id >= 0 ? id : unknown_);
  }
}

}  // namespace sheaf::engine
