// One connection to the database, and statements run on it.
//
// A connection belongs to one thread at a time. Everything here throws
// SQLite::Exception when SQLite refuses; fault.h turns that into a status, at
// the store's edge and nowhere else.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "queue/rows/broken_row.h"
#include "queue/run_state.h"

namespace sheaf {

// How long a statement waits for a lock of another process. A net only: the
// lock file keeps other processes out.
inline constexpr int kBusyMilliseconds = 5000;

// How many steps of SQLite's machine between two looks whether to go on: some
// hundred microseconds.
inline constexpr int kStepsBetweenLooks = 20'000;

// Bytes that are no text.
struct Blob {
  std::string_view bytes;
};

// One run of a statement: bound, stepped, and reset when it goes. Texts that
// are bound must outlive it. Columns are read left to right.
class Query {
 public:
  Query(sqlite3_stmt* statement, bool own) : statement_(statement), own_(own) {}
  Query(Query&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)),
        own_(other.own_) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  // The next parameter.
  void Bind(std::nullptr_t);
  void Bind(std::string_view text);
  void Bind(Blob blob);
  // The next parameters, one for each state of a run, in the table's order.
  void Bind(const RunCounts& counts) {
    for (const RunStateFacts& facts : kRunStates) Bind(counts.*facts.count);
  }
  template <class T>
  requires(std::is_integral_v<T> || std::is_enum_v<T>) void Bind(T number) {
    Check(
        sqlite3_bind_int64(statement_, ++bound_, static_cast<int64_t>(number)));
  }
  template <class T>
  void Bind(const std::optional<T>& value) {
    value ? Bind(*value) : Bind(nullptr);
  }

  // True: there is a row, to be read from its first column on.
  bool Step();

  // The next column.
  int64_t Integer() { return sqlite3_column_int64(statement_, column_++); }
  std::string_view Text();
  std::optional<int64_t> IntegerOrNull();
  std::optional<std::string_view> TextOrNull();
  // Empty where it is NULL.
  std::string_view Bytes();

 private:
  void Check(int code) {
    if (code != SQLITE_OK) Throw(code);
  }
  [[noreturn]] void Throw(int code);

  sqlite3_stmt* statement_;
  bool own_;
  int bound_ = 0;
  int column_ = 0;
};

class Connection {
 public:
  enum class Use { kWrite, kRead };

  // Opens `path` by the VFS of that name (empty: the default one), with all
  // settings of its use. A writer makes the file if there is none.
  Connection(const std::string& path, Use use, const std::string& vfs);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // `sql` must be one of the constants of statements.h: statements are kept
  // by its address.
  template <class... Values>
  Query Ask(const char* sql, const Values&... values) {
    Query query(Prepared(sql), /*own=*/false);
    (query.Bind(values), ...);
    return query;
  }
  template <class... Values>
  void Run(const char* sql, const Values&... values) {
    Ask(sql, values...).Step();
  }
  // A statement made on the spot, forgotten after use.
  Query AskOnce(const std::string& sql);

  // One number, by a statement made on the spot.
  int64_t Number(const std::string& sql);
  // Statements without results, made on the spot.
  void Execute(const std::string& sql);

  int64_t TotalChanges() { return sqlite3_total_changes64(handle()); }
  void SetBusyTimeout(int milliseconds);
  sqlite3* handle() { return database_.getHandle(); }
  SQLite::Database& database() { return database_; }

 private:
  sqlite3_stmt* Prepare(std::string_view sql, unsigned flags);
  sqlite3_stmt* Prepared(const char* sql);

  SQLite::Database database_;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

}  // namespace sheaf
