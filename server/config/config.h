// The settings of sheafd and their sources: a flag wins over the environment,
// which wins over the configuration file, which wins over the default.
//
// A key `lease_duration` is the flag --lease-duration, the variable
// SHEAF_LEASE_DURATION, and that key in the file. Pure but for reading the
// file; loaded once, by main.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sheaf::server {

// The value of a number set to "auto": the server finds the number out.
inline constexpr int kAuto = -1;

// The settings as loaded: within their limits, with nothing left to fill in.
// server/config/config_keys.cc says what each key means and may be.
struct ServerConfig {
  std::string data_dir;
  std::string backup_dir;
  int backups_max = 1000;
  int64_t ballast_bytes = 32 << 20;
  std::string boot_check = "auto";  // auto, sync, background, off

  // HOST:PORT or unix:PATH. Only loopback, unless insecure_allow_plaintext.
  std::vector<std::string> listen = {"127.0.0.1:7420"};
  bool insecure_allow_plaintext = false;
  bool reflection = true;
  std::string socket_mode = "0600";  // permissions of UNIX sockets, octal
  int max_concurrent_streams = 200;
  int max_message_bytes = 8 << 20;
  // Connections at a time from one address, and from one user of this machine;
  // trusted addresses (192.0.2.7, 10.0.0.0/8) have no such bound.
  int connections_per_address = 256;
  int connections_per_local_user = 1024;
  std::vector<std::string> trusted_addresses;
  int64_t connection_memory_bytes = int64_t{1} << 30;  // of all, in gRPC
  absl::Duration drain_timeout = absl::Seconds(10);

  int local_workers = 0;  // or kAuto: one for each device
  std::string worker_command;
  std::vector<std::string> worker_args;
  // Names of variables, "NAME" or "NAME*": see
  // server/process/worker_environment.h.
  std::vector<std::string> worker_environment;

  absl::Duration lease_duration = absl::Seconds(30);
  absl::Duration heartbeat_interval = absl::Seconds(5);
  absl::Duration worker_grace = absl::Seconds(1);

  // Workers show a preview of a picture every so many steps; 0: never.
  int preview_steps = 0;

  int64_t artifact_max_bytes = 64 << 20;
  bool artifact_any_type = true;
  absl::Duration artifact_keep = absl::Hours(24);
  int64_t artifact_total_bytes = 0;  // 0: what the disk has room for

  // The longest that streams may leave the server waiting.
  absl::Duration upload_silence_max = absl::Seconds(10);
  absl::Duration download_silence_max = absl::Seconds(30);
  int64_t events_max = 1'000'000;

  // Events younger than events_keep are kept even above events_max, up to a
  // hard limit. One address may ask for so many changes a second (0: any
  // number).
  absl::Duration events_keep = absl::Hours(24);
  int64_t events_hard_max = 20'000'000;
  int changes_per_second = 200;

  // A request_id holds for this long after its job was deleted.
  absl::Duration request_keep = absl::Hours(30 * 24);

  // Bytes that the values of a job may take, its sweep counted in full.
  int64_t job_bytes_max = 64 << 20;

  // Checkpoints of running runs: workers save one every so many steps (0:
  // never), and so many bytes are kept, of one run and in all.
  int checkpoint_steps = 10;
  int64_t checkpoint_max_bytes = 64 << 20;
  int64_t checkpoint_total_bytes = int64_t{2} << 30;

  // The profile with the times of the workers' device: FILE or FILE:NAME.
  std::string device_profile = "unmeasured";

  // Owners of jobs: whether they share the workers, each with what weight
  // (OWNER:WEIGHT), and how many runs of each may wait and run; 0: any number.
  bool fair_share = true;
  std::vector<std::string> fair_weights;
  int64_t owner_queued_max = 0;
  int64_t owner_running_max = 0;

  // SETTING=VALUE: settings of the queues that a new database begins with.
  std::vector<std::string> first_queue_settings;

  // Most pixels of a picture, width times height: of one that a job asks for,
  // and of one that is uploaded.
  int64_t pixels_max = int64_t{64} << 20;

  // The rule that picks the worker for a batch, and how long runs wait for a
  // better worker.
  std::string placement = "earliest-finish";
  absl::Duration affinity_wait = absl::Seconds(5);

  int reader_threads = 2;
  int group_max = 512;

  std::string log_level = "info";  // as ParseLogLevels reads it
  bool log_json = false;

  // Warnings for the operator, logged at every start.
  std::vector<std::string> warnings;
};

// The actions that the command line may ask for.
enum class Command {
  kServe,
  kRestore,  // put backup_file in place as the database of config.data_dir
  kRepair,   // mend the database of config.data_dir
  kPrint,    // print `text` and leave: help, version, configuration
};

struct Invocation {
  Command command = Command::kServe;
  ServerConfig config;
  std::string backup_file;
  std::string text;
};

// The facts of the process that LoadConfig needs.
struct ConfigSources {
  std::function<std::optional<std::string>(const std::string&)> environment;
  // Read where --config names none; need not be there.
  std::string default_file = "/etc/sheaf/sheafd.toml";
  // The program itself; sheaf-worker is looked for beside it.
  std::string program = "/usr/bin/sheafd";
};

// The sources of this process.
ConfigSources ProcessSources();

// `args` without the program's name. INVALID_ARGUMENT names the key and the
// flag, variable or file and line at fault.
absl::StatusOr<Invocation> LoadConfig(const std::vector<std::string>& args,
                                      const ConfigSources& sources);

}  // namespace sheaf::server
