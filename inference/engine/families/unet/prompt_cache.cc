#include "inference/engine/families/unet/prompt_cache.h"

namespace sheaf::engine {

std::optional<EncodedPrompt> PromptCache::Find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return found->second->second;
}

void PromptCache::Put(const std::string& key, const EncodedPrompt& prompt) {
  const std::lock_guard lock(mutex_);
  if (by_key_.count(key) != 0) return;
  by_use_.emplace_front(key, prompt);
  by_key_.emplace(key, by_use_.begin());
  if (by_use_.size() <= entries_max_) return;
  by_key_.erase(by_use_.back().first);
  by_use_.pop_back();
}

void PromptCache::Clear() {
  const std::lock_guard lock(mutex_);
  by_key_.clear();
  by_use_.clear();
}

}  // namespace sheaf::engine
