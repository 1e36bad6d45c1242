#include "queue/sqlite/migrate.h"

#include <filesystem>

#include "base/crash_point.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "base/version.h"
#include "queue/error.h"
#include "queue/sqlite/fault.h"

namespace sheaf {
namespace {

constexpr Migration kMigrations[] = {
#include "embedded_migrations.inc"
};

constexpr int64_t kApplicationId = 1397245254;  // as 0001_init sets it

constexpr char kRecord[] =
    "INSERT INTO schema_migrations (id, name, sha256, applied_at, "
    "app_version) VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr char kRecorded[] =
    "SELECT id, name, sha256 FROM schema_migrations ORDER BY id";
constexpr char kSchema[] =
    "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL "
    "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";

absl::Status Altered(const std::string& why) {
  return Error(Reason::kSchemaAltered, why);
}

// The schema that the first `version` migrations make of an empty database.
std::string ExpectedSchema(std::span<const Migration> migrations,
                           int64_t version) {
  SQLite::Database fresh(":memory:",
                         SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  for (int64_t i = 0; i < version; ++i) {
    fresh.exec(std::string(migrations[i].sql));
  }
  return SchemaText(fresh.getHandle());
}

// Checks that the database is as the program's first `version` migrations made
// it.
absl::Status CheckPast(Connection& db, std::span<const Migration> migrations,
                       int64_t version) {
  if (db.Number("PRAGMA application_id") != kApplicationId) {
    return Altered("the file is a database, but not one of Sheaf's");
  }
  Query rows = db.Ask(kRecorded);
  for (int64_t i = 0; i < version; ++i) {
    if (!rows.Step() || rows.Integer() != i + 1) {
      return Altered("the record of migrations has a gap at " +
                     std::to_string(i + 1));
    }
    const std::string name(rows.Text());
    if (name != migrations[i].name ||
        rows.Text() != Sha256Hex(migrations[i].sql)) {
      return Altered("migration " + name +
                     " was not the one that this program knows as " +
                     std::string(migrations[i].name));
    }
  }
  if (SchemaText(db.handle()) != ExpectedSchema(migrations, version)) {
    return Altered("tables or indexes were changed by hand");
  }
  return absl::OkStatus();
}

absl::Status CopyBefore(Connection& db, const std::string& path,
                        int64_t version) {
  std::string copy = path + ".v" + std::to_string(version) + ".bak";
  for (int i = 2; std::filesystem::exists(copy); ++i) {
    copy = path + ".v" + std::to_string(version) + ".bak" + std::to_string(i);
  }
  Query vacuum = db.AskOnce("VACUUM INTO ?");
  vacuum.Bind(copy);
  vacuum.Step();
  SHEAF_RETURN_IF_ERROR(SyncFile(copy));
  return SyncFolderOf(copy);
}

void Apply(Connection& db, std::span<const Migration> migrations,
           int64_t version, absl::Time now) {
  db.Execute("BEGIN IMMEDIATE");
  for (size_t i = version; i < migrations.size(); ++i) {
    const Migration& migration = migrations[i];
    db.Execute(std::string(migration.sql));
    SHEAF_CRASH_POINT("mid-migration");
    db.Run(kRecord, i + 1, migration.name, Sha256Hex(migration.sql),
           absl::ToUnixMillis(now), kVersion);
    db.Execute("PRAGMA user_version = " + std::to_string(i + 1));
  }
  db.Execute("COMMIT");
}

absl::Status MigrateOrThrow(Connection& db, const std::string& path,
                            std::span<const Migration> migrations,
                            absl::Time now) {
  const int64_t version = db.Number("PRAGMA user_version");
  const int64_t head = static_cast<int64_t>(migrations.size());
  if (version > head) {
    return Error(Reason::kSchemaNewer,
                 "the database has schema " + std::to_string(version) +
                     ", this program knows " + std::to_string(head));
  }
  if (db.Number("SELECT count(*) FROM sqlite_schema") > 0) {
    SHEAF_RETURN_IF_ERROR(CheckPast(db, migrations, version));
    if (version == head) return absl::OkStatus();
    SHEAF_RETURN_IF_ERROR(CopyBefore(db, path, version));
  }
  Apply(db, migrations, version, now);
  return absl::OkStatus();
}

}  // namespace

std::span<const Migration> Migrations() { return kMigrations; }

std::string SchemaText(sqlite3* db) {
  std::string text;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(db, kSchema, -1, &statement, nullptr);
  if (code != SQLITE_OK) throw SQLite::Exception(db, code);
  Query rows(statement, /*own=*/true);
  while (rows.Step()) {
    text += rows.Text();
    text += ";\n";
  }
  return text;
}

absl::Status Migrate(Connection& db, const std::string& path,
                     std::span<const Migration> migrations, absl::Time now) {
  try {
    return MigrateOrThrow(db, path, migrations, now);
  } catch (const std::exception& thrown) {
    return FaultOf(thrown).status;
  }
}

}  // namespace sheaf
