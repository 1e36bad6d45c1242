#include "queue/sqlite/connection.h"

namespace sheaf {
namespace {

// The settings of every connection. mmap is off so that a failing disk is an
// error code, not a SIGBUS; the database's own schema is not trusted with
// functions.
constexpr char kSettings[] = R"sql(
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
PRAGMA mmap_size = 0;
PRAGMA temp_store = MEMORY;
PRAGMA secure_delete = FAST;
PRAGMA wal_autocheckpoint = 0;
)sql";

constexpr char kWriterSettings[] = R"sql(
PRAGMA journal_mode = WAL;
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -65536;
)sql";

constexpr char kReaderSettings[] = R"sql(
PRAGMA query_only = ON;
PRAGMA cache_size = -8192;
)sql";

}  // namespace

Query::~Query() {
  if (statement_ == nullptr) return;
  own_ ? sqlite3_finalize(statement_) : sqlite3_reset(statement_);
}

void Query::Throw(int code) {
  throw SQLite::Exception(sqlite3_db_handle(statement_), code);
}

void Query::Bind(std::nullptr_t) {
  Check(sqlite3_bind_null(statement_, ++bound_));
}

void Query::Bind(std::string_view text) {
  // A view without bytes may have no address, which SQLite reads as NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  Check(sqlite3_bind_text64(statement_, ++bound_, data, text.size(),
                            SQLITE_STATIC, SQLITE_UTF8));
}

void Query::Bind(Blob blob) {
  if (blob.bytes.empty()) return Bind(nullptr);
  Check(sqlite3_bind_blob64(statement_, ++bound_, blob.bytes.data(),
                            blob.bytes.size(), SQLITE_STATIC));
}

bool Query::Step() {
  const int code = sqlite3_step(statement_);
  column_ = 0;
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) Throw(code);
  return false;
}

std::string_view Query::Text() {
  const int column = column_++;
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

std::optional<int64_t> Query::IntegerOrNull() {
  if (sqlite3_column_type(statement_, column_) == SQLITE_NULL) {
    ++column_;
    return std::nullopt;
  }
  return Integer();
}

std::optional<std::string_view> Query::TextOrNull() {
  if (sqlite3_column_type(statement_, column_) == SQLITE_NULL) {
    ++column_;
    return std::nullopt;
  }
  return Text();
}

std::string_view Query::Bytes() {
  const int column = column_++;
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

Connection::Connection(const std::string& path, Use use, const std::string& vfs)
    : database_(path,
                SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_PRIVATECACHE |
                    (use == Use::kWrite ? SQLITE_OPEN_CREATE : 0),
                kBusyMilliseconds, vfs) {
  sqlite3_extended_result_codes(handle(), 1);
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // Only the writer has the log folded in, and only when it means to;
  // log_fold.h says what may go wrong otherwise.
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  Execute(kSettings);
  Execute(use == Use::kWrite ? kWriterSettings : kReaderSettings);
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
}

sqlite3_stmt* Connection::Prepare(std::string_view sql, unsigned flags) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()),
                         flags, &statement, nullptr);
  if (code != SQLITE_OK) throw SQLite::Exception(handle(), code);
  return statement;
}

sqlite3_stmt* Connection::Prepared(const char* sql) {
  sqlite3_stmt*& statement = statements_[sql];
  if (statement == nullptr) statement = Prepare(sql, SQLITE_PREPARE_PERSISTENT);
  return statement;
}

Query Connection::AskOnce(const std::string& sql) {
  return Query(Prepare(sql, 0), /*own=*/true);
}

int64_t Connection::Number(const std::string& sql) {
  Query query = AskOnce(sql);
  return query.Step() ? query.Integer() : 0;
}

void Connection::Execute(const std::string& sql) {
  const int code =
      sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw SQLite::Exception(handle(), code);
}

void Connection::SetBusyTimeout(int milliseconds) {
  sqlite3_busy_timeout(handle(), milliseconds);
}

}  // namespace sheaf
