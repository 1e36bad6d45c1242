// Bringing a database to the schema that this program knows.
//
// Migrations are numbered SQL texts, kept as released and applied in order. A
// database records which it has, with their checksums; one that is newer than
// the program, or that is not what its migrations make, is refused untouched.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "queue/sqlite/connection.h"

namespace sheaf {

struct Migration {
  std::string_view name;  // "0001_init"
  std::string_view sql;
};

// The migrations in migrations/, by number: the i-th brings a database to
// version i+1.
std::span<const Migration> Migrations();

// Brings `db`, the file at `path`, up to the last of `migrations`, all or
// nothing. Before it changes a database that is not empty, it puts a copy
// beside it (path.vN.bak). SCHEMA_NEWER, SCHEMA_ALTERED; other errors as
// FaultOf.
absl::Status Migrate(Connection& db, const std::string& path,
                     std::span<const Migration> migrations, absl::Time now);

// The schema as text: every statement of sqlite_schema, in order of name.
std::string SchemaText(sqlite3* db);

}  // namespace sheaf
