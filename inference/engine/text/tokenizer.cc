#include "inference/engine/text/tokenizer.h"

#include <algorithm>

#include "base/status.h"
#include "inference/engine/text/unicode.h"

namespace sheaf::engine {
namespace {

constexpr size_t kPromptBytesMax = size_t{1} << 20;

bool StartsWith(std::string_view text, size_t at, std::string_view word) {
  return text.substr(at, word.size()) == word;
}

// The end of the run of code points, from `at` on, that `test` accepts.
template <typename Test>
size_t EndOfRun(std::string_view text, size_t at, Test test) {
  while (at < text.size()) {
    size_t next = at;
    if (!test(NextCodePoint(text, &next))) break;
    at = next;
  }
  return at;
}

// The end of the word that begins at `at`: an English ending, a run of letters,
// one digit, or a run of other code points. Equal to `at` at a space.
size_t EndOfWord(std::string_view text, size_t at) {
  for (const std::string_view ending :
       {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    if (StartsWith(text, at, ending)) return at + ending.size();
  }
  size_t next = at;
  const char32_t first = NextCodePoint(text, &next);
  if (IsSpace(first)) return at;
  if (IsLetter(first)) return EndOfRun(text, at, IsLetter);
  if (IsNumber(first)) return next;
  return EndOfRun(text, at, [](char32_t code) {
    return !IsSpace(code) && !IsLetter(code) && !IsNumber(code);
  });
}

}  // namespace

const ClipTokenizer::Special* ClipTokenizer::SpecialAt(std::string_view text,
                                                       size_t at,
                                                       bool normalized) const {
  for (const Special& special : specials_) {
    if (special.normalized == normalized &&
        StartsWith(text, at, special.text)) {
      return &special;
    }
  }
  return nullptr;
}

// Encodes a stretch of normalised text, with the special tokens that are looked
// for after normalisation.
void ClipTokenizer::EncodeNormal(std::string_view text,
                                 std::vector<int64_t>* ids) const {
  size_t at = 0;
  while (at < text.size()) {
    // Specials split the text before words are looked for: the next one ends
    // this stretch.
    size_t end = at;
    const Special* special = nullptr;
    while (end < text.size() && special == nullptr) {
      special = SpecialAt(text, end, true);
      if (special == nullptr) ++end;
    }
    const std::string_view stretch = text.substr(at, end - at);
    for (size_t word = 0; word < stretch.size();) {
      const size_t word_end = EndOfWord(stretch, word);
      if (word_end > word) {
        bpe_->Encode(stretch.substr(word, word_end - word), ids);
        word = word_end;
      } else {
        NextCodePoint(stretch, &word);
      }
    }
    at = end;
    if (special != nullptr) {
      ids->push_back(special->id);
      at += special->text.size();
    }
  }
}

absl::StatusOr<std::vector<int64_t>> ClipTokenizer::Tokens(
    std::string_view text) const {
  if (text.size() > kPromptBytesMax) {
    return absl::InvalidArgumentError("the prompt is longer than 1 MiB");
  }
  std::vector<int64_t> ids;
  size_t at = 0;
  while (at <= text.size()) {
    size_t end = at;
    const Special* special = nullptr;
    while (end < text.size() && special == nullptr) {
      special = SpecialAt(text, end, false);
      if (special == nullptr) ++end;
    }
    SHEAF_ASSIGN_OR_RETURN(std::string normal,
                           NormalFormC(text.substr(at, end - at)));
    if (lower_case_) normal = LowerCase(normal);
    EncodeNormal(normal, &ids);
    if (special == nullptr) break;
    ids.push_back(special->id);
    at = end + special->text.size();
  }
  return ids;
}

absl::StatusOr<std::vector<int64_t>> ClipTokenizer::Encode(
    std::string_view prompt) const {
  SHEAF_ASSIGN_OR_RETURN(const std::vector<int64_t> tokens, Tokens(prompt));
  std::vector<int64_t> ids = {begin_};
  const size_t room = static_cast<size_t>(length_) - 2;
  ids.insert(ids.end(), tokens.begin(),
             tokens.begin() + std::min(tokens.size(), room));
  ids.push_back(end_);
  ids.resize(length_, pad_);
  return ids;
}

TokenChunk ClipTokenizer::EmptyChunk() const {
  TokenChunk chunk;
  chunk.ids = {begin_, end_};
  chunk.ids.resize(length_, pad_);
  chunk.weights.assign(length_, 1.0f);
  return chunk;
}

absl::StatusOr<std::vector<TokenChunk>> ClipTokenizer::EncodeLong(
    const std::vector<WeightedText>& prompt, int chunks_max) const {
  const size_t room = static_cast<size_t>(length_) - 2;
  std::vector<TokenChunk> chunks;
  TokenChunk open;
  const auto close = [&] {
    TokenChunk chunk = EmptyChunk();
    std::copy(open.ids.begin(), open.ids.end(), chunk.ids.begin() + 1);
    std::copy(open.weights.begin(), open.weights.end(),
              chunk.weights.begin() + 1);
    chunk.ids[1 + open.ids.size()] = end_;
    chunks.push_back(std::move(chunk));
    open = TokenChunk();
  };
  for (const WeightedText& part : prompt) {
    if (part.starts_chunk) close();
    if (chunks.size() >= static_cast<size_t>(chunks_max)) return chunks;
    SHEAF_ASSIGN_OR_RETURN(const std::vector<int64_t> tokens,
                           Tokens(part.text));
    for (const int64_t id : tokens) {
      if (open.ids.size() == room) close();
      if (chunks.size() >= static_cast<size_t>(chunks_max)) return chunks;
      open.ids.push_back(id);
      open.weights.push_back(part.weight);
    }
  }
  if (chunks.size() < static_cast<size_t>(chunks_max) &&
      (!open.ids.empty() || chunks.empty())) {
    close();
  }
  return chunks;
}

}  // namespace sheaf::engine
