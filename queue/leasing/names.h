// A list of names that is looked up often, copied often and never changed: the
// models that a worker serves are thousands, and every lease asks for them.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"

namespace sheaf {

// Copies share one list. Any thread.
class Names {
 public:
  Names() = default;
  Names(std::vector<std::string> names)  // NOLINT: it is a list of names
      : list_(names.empty() ? nullptr
                            : std::make_shared<List>(std::move(names))) {}
  Names(std::initializer_list<std::string> names)
      : Names(std::vector<std::string>(names)) {}

  bool empty() const { return list_ == nullptr; }
  bool Contains(std::string_view name) const {
    return list_ != nullptr && list_->known.contains(name);
  }
  // Each once, in the order in which they were given.
  const std::vector<std::string>& all() const {
    static const std::vector<std::string> kNone;
    return list_ == nullptr ? kNone : list_->names;
  }
  auto begin() const { return all().begin(); }
  auto end() const { return all().end(); }
  size_t size() const { return all().size(); }
  // Equal for lists of the same names, whatever their order; 0 for none.
  size_t fingerprint() const { return list_ == nullptr ? 0 : list_->hash; }

 private:
  static std::vector<std::string> EachOnce(std::vector<std::string> given) {
    absl::flat_hash_set<std::string> seen;
    std::erase_if(given, [&](const std::string& name) {
      return !seen.insert(name).second;
    });
    return given;
  }
  struct List {
    explicit List(std::vector<std::string> given)
        : names(EachOnce(std::move(given))),
          known(names.begin(), names.end()),
          hash(absl::HashOf(known)) {}
    const std::vector<std::string> names;
    const absl::flat_hash_set<std::string_view> known;
    const size_t hash;
  };
  std::shared_ptr<const List> list_;
};

// Whether a list of what somebody serves leaves it open.
inline bool IsAnything(const Names& names) {
  return names.empty() || names.Contains("*");
}

}  // namespace sheaf
