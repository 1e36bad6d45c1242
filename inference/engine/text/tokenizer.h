// CLIP's tokenizer: from a prompt to the 77 numbers a text encoder takes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/text/bpe.h"

namespace sheaf::engine {

// Ids of one encoder call, with the weight of each position.
struct TokenChunk {
  std::vector<int64_t> ids;    // length() of them.
  std::vector<float> weights;  // As many; 1 for begin, end and pad.
};

// A stretch of a prompt and how much it counts.
struct WeightedText {
  std::string text;
  float weight = 1;
  bool starts_chunk = false;  // After the word BREAK.
};

// Immutable; any thread may use it.
class ClipTokenizer {
 public:
  // Reads a tokenizer's folder: tokenizer.json, or vocab.json and merges.txt,
  // with tokenizer_config.json and special_tokens_map.json where they are.
  // NOT_FOUND or INVALID_ARGUMENT with the file's path.
  static absl::StatusOr<ClipTokenizer> Load(const std::string& folder);

  // The prompt as the reference encodes it: begin, at most length() - 2 tokens,
  // end, padded. INVALID_ARGUMENT where it is not valid UTF-8.
  absl::StatusOr<std::vector<int64_t>> Encode(std::string_view prompt) const;

  // The prompt's tokens alone, however many.
  absl::StatusOr<std::vector<int64_t>> Tokens(std::string_view text) const;

  // A long prompt as chunks of length() with begin and end each; at least one.
  // No more than `chunks_max`: the rest is dropped.
  absl::StatusOr<std::vector<TokenChunk>> EncodeLong(
      const std::vector<WeightedText>& prompt, int chunks_max) const;
  // A chunk without words; shorter prompts are filled up with it.
  TokenChunk EmptyChunk() const;

  int length() const { return length_; }
  int64_t begin_id() const { return begin_; }
  int64_t end_id() const { return end_; }
  int64_t pad_id() const { return pad_; }

 private:
  friend class TokenizerLoader;

  // A text that becomes one id, wherever it stands.
  struct Special {
    std::string text;
    int64_t id = 0;
    bool normalized = false;  // Looked for after normalisation.
  };

  ClipTokenizer() = default;
  void EncodeNormal(std::string_view text, std::vector<int64_t>* ids) const;
  const Special* SpecialAt(std::string_view text, size_t at,
                           bool normalized) const;

  std::shared_ptr<const Bpe> bpe_;
  std::vector<Special> specials_;  // Longest first.
  int64_t begin_ = 0;
  int64_t end_ = 0;
  int64_t pad_ = 0;
  int length_ = 77;
  bool lower_case_ = true;
};

// The emphasis of web interfaces: "(word)" counts 1.1 times, "[word]" 1 / 1.1,
// "(word:1.3)" 1.3 times; they nest, a backslash makes a bracket plain, and the
// word BREAK begins a new chunk. Never fails: brackets that do not fit are
// closed at the end, or are text.
std::vector<WeightedText> ParseEmphasis(std::string_view prompt);

}  // namespace sheaf::engine
