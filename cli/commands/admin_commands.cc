// `sheaf admin`.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "cli/commands/commands.h"
#include "cli/support/errors.h"
#include "cli/support/text.h"
#include "cli/support/tree.h"
#include "sheaf/v1/admin_service.pb.h"

namespace sheaf::cli {
namespace {

// Copying and checking a large database takes long.

struct BackupArgs {
  std::string file_name;
};

absl::Status RunBackup(Context& context, BackupArgs& args) {
  v1::BackupRequest request;
  request.set_file_name(args.file_name);
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(const auto backup, client->Call<v1::BackupResponse>(
                                                "sheaf.v1.AdminService/Backup",
                                                request, kLongWork));
  context.MakePrinter().One(backup,
                            {{"PATH", "path"},
                             {"SIZE", "size_bytes", Column::Style::kBytes},
                             {"JOBS", "job_count"},
                             {"LAST EVENT", "last_event_sequence"},
                             {"SHA-256", "sha256"}});
  context.Say(absl::StrCat(
      "To restore it, stop the server and run: sheaf admin restore ",
      Printable(backup.path()), " --data-dir DIR"));
  return absl::OkStatus();
}

struct RestoreArgs {
  std::string backup;
  std::string data_directory;
};

// The sheafd beside this program, or the one on PATH where there is none.
std::string FindServer() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return "sheafd";
  const auto beside = self.parent_path() / "sheafd";
  return std::filesystem::exists(beside, error) ? beside.string() : "sheafd";
}

// Becomes `sheafd restore`: the server knows its own files best.
absl::Status RunRestore(Context& context, RestoreArgs& args) {
  SHEAF_RETURN_IF_ERROR(context.Confirm(
      absl::StrCat("Replace the database in ", args.data_directory, " with ",
                   args.backup, "?")));
  context.out().flush();
  context.err().flush();
  signal(SIGPIPE, SIG_DFL);
  const std::string server = FindServer();
  execlp(server.c_str(), "sheafd", "restore", "--backup", args.backup.c_str(),
         "--data-dir", args.data_directory.c_str(),
         static_cast<char*>(nullptr));
  return absl::InternalError(absl::StrCat(
      "cannot run ", server, ": ", std::strerror(errno),
      "; that program restores backups and must be beside sheaf or on PATH"));
}

struct CheckArgs {
  bool full = false;
};

absl::Status RunCheck(Context& context, CheckArgs& args) {
  v1::CheckIntegrityRequest request;
  request.set_full(args.full);
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto check,
      client->Call<v1::CheckIntegrityResponse>(
          "sheaf.v1.AdminService/CheckIntegrity", request, kLongWork));
  context.MakePrinter().One(check, {{"OK", "ok"}, {"PROBLEMS", "problems"}});
  if (check.ok()) return absl::OkStatus();
  return absl::DataLossError(
      "the database is damaged: stop the server. If only counts and leases are "
      "wrong, mend them with `sheafd repair`; otherwise restore a backup "
      "(sheaf admin restore --help)");
}

absl::Status RunInfo(Context& context, NoArgs&) {
  using Style = Column::Style;
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto info,
      client->Call<v1::ServerInfo>("sheaf.v1.AdminService/GetServerInfo",
                                   v1::GetServerInfoRequest()));
  context.MakePrinter().One(info,
                            {{"VERSION", "version"},
                             {"STARTED", "start_time", Style::kAge},
                             {"DATA", "data_directory"},
                             {"SCHEMA", "schema_version"},
                             {"SQLITE", "sqlite_version"},
                             {"WRITABLE", "writable"},
                             {"BOOT CHECK", "boot_check"},
                             {"DATABASE", "database_bytes", Style::kBytes},
                             {"WAL", "wal_bytes", Style::kBytes},
                             {"DISK FREE", "disk_free_bytes", Style::kBytes},
                             {"ARTIFACTS", "artifact_count"},
                             {"ARTIFACT SIZE", "artifact_bytes", Style::kBytes},
                             {"LAST EVENT", "last_event_sequence"},
                             {"LAST BACKUP", "last_backup_time", Style::kAge},
                             {"LEASES LAST", "lease_duration"},
                             {"PROBLEMS", "problems"}});
  return absl::OkStatus();
}

absl::Status RunAcceptClock(Context& context, NoArgs&) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto accepted,
      client->Call<v1::AcceptClockResponse>("sheaf.v1.AdminService/AcceptClock",
                                            v1::AcceptClockRequest()));
  context.MakePrinter().One(accepted, {{"AHEAD BY", "step"}});
  return absl::OkStatus();
}

}  // namespace

void AddAdminCommands(CLI::App& app, Context& context) {
  CLI::App& admin = AddNoun(app, "admin", "For operators");
  AddVerb(admin, context, "info", "Show the server and its store", &RunInfo);
  const auto [check, check_args] = AddVerb(
      admin, context, "check", "Check the database for damage", &RunCheck);
  check->add_flag("--full", check_args->full,
                  "Also compare every index with its table (slower)");
  const auto [backup, backup_args] =
      AddVerb(admin, context, "backup", "Back up the database on the server",
              &RunBackup);
  backup
      ->add_option("name", backup_args->file_name,
                   "File name in the server's backup directory [the time]")
      ->type_name("NAME");
  CLI::App& clock = AddNoun(admin, "clock", "The server's clock");
  AddVerb(clock, context, "accept",
          "Accept the system clock at once after it went ahead",
          &RunAcceptClock);
  const auto [restore, restore_args] =
      AddVerb(admin, context, "restore",
              "Replace the database with a backup; the server must not run",
              &RunRestore);
  AddName(restore, "backup", &restore_args->backup, "FILE",
          "Backup to restore");
  AddValue(restore, "--data-dir", &restore_args->data_directory, "DIR",
           "The server's data directory")
      ->required();
}

}  // namespace sheaf::cli
