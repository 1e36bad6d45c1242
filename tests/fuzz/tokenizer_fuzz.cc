// Any bytes as a prompt: refused if they are no UTF-8, 77 known ids otherwise;
// emphasis parses whatever it is given and keeps its words.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/utf8.h"
#include "inference/engine/text/tokenizer.h"

namespace sheaf::engine {
namespace {

// A vocabulary of the printable bytes, one merge and the special tokens.
ClipTokenizer MakeTokenizer() {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / "sheaf_tokenizer_fuzz";
  std::filesystem::create_directories(folder);
  std::ofstream vocabulary(folder / "vocab.json");
  vocabulary << R"({"<|startoftext|>": 0, "<|endoftext|>": 1, "ab</w>": 2)";
  int id = 3;
  for (char c = '#'; c <= '~'; ++c) {
    if (c == '\\') continue;
    vocabulary << ", \"" << c << "\": " << id++;
    vocabulary << ", \"" << c << "</w>\": " << id++;
  }
  vocabulary << "}";
  vocabulary.close();
  std::ofstream(folder / "merges.txt") << "#version\na b</w>\n";
  return ClipTokenizer::Load(folder.string()).value();
}

void Check(const ClipTokenizer& tokenizer, std::string_view prompt) {
  const auto ids = tokenizer.Encode(prompt);
  if (ids.ok() != IsValidUtf8(prompt)) std::abort();
  if (ids.ok() && ids->size() != 77) std::abort();
  const auto parts = ParseEmphasis(prompt);
  size_t length = 0;
  for (const WeightedText& part : parts) length += part.text.size();
  if (length > prompt.size()) std::abort();
  const auto chunks = tokenizer.EncodeLong(parts, 3);
  if (!chunks.ok()) return;
  if (chunks->empty() || chunks->size() > 3) std::abort();
  for (const TokenChunk& chunk : *chunks) {
    if (chunk.ids.size() != 77 || chunk.weights.size() != 77) std::abort();
  }
}

}  // namespace
}  // namespace sheaf::engine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* tokenizer =
      new sheaf::engine::ClipTokenizer(sheaf::engine::MakeTokenizer());
  sheaf::engine::Check(
      *tokenizer, std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
