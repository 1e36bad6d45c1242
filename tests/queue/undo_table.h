// Maps whose changes can be undone: the tables of the model store. All tables
// of a store share one log, so a failed closure is undone in the reverse order
// of its changes.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace sheaf {

class UndoLog {
 public:
  void Note(std::function<void()> undo) { steps_.push_back(std::move(undo)); }
  void Keep() { steps_.clear(); }
  void RollBack() {
    for (; !steps_.empty(); steps_.pop_back()) steps_.back()();
  }

 private:
  std::vector<std::function<void()>> steps_;
};

template <class Key, class Value>
class UndoTable {
 public:
  explicit UndoTable(UndoLog* log) : log_(log) {}
  UndoTable(const UndoTable&) = delete;
  UndoTable& operator=(const UndoTable&) = delete;

  const std::map<Key, Value>& rows() const { return rows_; }

  std::optional<Value> Find(const Key& key) const {
    const auto row = rows_.find(key);
    if (row == rows_.end()) return std::nullopt;
    return row->second;
  }

  void Put(const Key& key, Value value) {
    Remember(key);
    rows_.insert_or_assign(key, std::move(value));
  }

  void Erase(const Key& key) {
    Remember(key);
    rows_.erase(key);
  }

  // Erases the keys in [first, last].
  void EraseRange(const Key& first, const Key& last) {
    for (auto row = rows_.lower_bound(first);
         row != rows_.end() && !(last < row->first);
         row = rows_.lower_bound(first)) {
      Erase(Key(row->first));
    }
  }

 private:
  void Remember(const Key& key) {
    log_->Note([this, key, old = Find(key)] {
      if (old) {
        rows_.insert_or_assign(key, *old);
      } else {
        rows_.erase(key);
      }
    });
  }

  UndoLog* log_;
  std::map<Key, Value> rows_;
};

}  // namespace sheaf
