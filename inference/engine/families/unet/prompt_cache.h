// Prompts that were encoded before. Jobs repeat them: the same negative prompt
// in every run, one prompt under many seeds.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "inference/engine/tensor/torch.h"

namespace sheaf::engine {

// One prompt, encoded by a model's encoders. On the CPU, fp32.
struct EncodedPrompt {
  at::Tensor context;  // [tokens, width]
  at::Tensor pooled;   // SDXL: [width].
};

// Any thread.
class PromptCache {
 public:
  explicit PromptCache(size_t entries_max = 256) : entries_max_(entries_max) {}

  // `key` says everything that the encoding depends on. None where the cache
  // does not have it.
  std::optional<EncodedPrompt> Find(const std::string& key);
  // Adds a prompt. A full cache drops the least recently used one.
  void Put(const std::string& key, const EncodedPrompt& prompt);
  // Must be called when the encoders' adapters have changed.
  void Clear();

 private:
  using Entry = std::pair<std::string, EncodedPrompt>;

  const size_t entries_max_;
  std::mutex mutex_;
  std::list<Entry> by_use_;  // Newest first. Guarded by mutex_, as the index.
  std::map<std::string, std::list<Entry>::iterator> by_key_;
};

}  // namespace sheaf::engine
