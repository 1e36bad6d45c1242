#include "server/config/config_keys.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/json.h"
#include "base/near_word.h"
#include "base/status.h"

namespace sheaf::server {
namespace {

using C = ServerConfig;

constexpr char kAutoText[] = "auto";
constexpr absl::Duration kYear = absl::Hours(24 * 365);
constexpr std::pair<const char*, int64_t> kByteUnits[] = {
    {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}};

std::vector<ConfigKey> MakeKeys() {
  using absl::Hours, absl::Milliseconds, absl::Seconds, absl::ZeroDuration;
  return {
      {"data_dir", TextKey{&C::data_dir}, "Folder of the database"},
      {"backup_dir", TextKey{&C::backup_dir}, "Folder of the backups"},
      {"backups_max", NumberKey{&C::backups_max, 0, 1'000'000},
       "Most backups in that folder; 0: any number"},
      {"ballast_bytes", NumberKey{&C::ballast_bytes, 0, int64_t{1} << 40, true},
       "Room kept back so that a full disk allows deletes; 0: none"},
      {"boot_check",
       TextKey{&C::boot_check, {"auto", "sync", "background", "off"}},
       "When to check the database at a start; auto: a small one before "
       "serving"},
      {"listen", ListKey{&C::listen, ','},
       "Address to listen on: HOST:PORT or unix:PATH"},
      {"insecure_allow_plaintext", SwitchKey{&C::insecure_allow_plaintext},
       "Allow addresses that others can reach, without encryption or "
       "passwords"},
      {"socket_mode", TextKey{&C::socket_mode, {"0600", "0660", "0666"}},
       "Permissions of UNIX sockets: 0600, 0660 or 0666"},
      {"reflection", SwitchKey{&C::reflection}, "Tell clients the gRPC schema"},
      {"max_concurrent_streams",
       NumberKey{&C::max_concurrent_streams, 1, 1'000'000},
       "Most calls under way on one connection"},
      {"max_message_bytes",
       NumberKey{&C::max_message_bytes, 64 << 10, 1 << 30, true},
       "Largest message that the server takes"},
      {"connections_per_address",
       NumberKey{&C::connections_per_address, 1, 1'000'000},
       "Most connections at a time from one address"},
      {"connections_per_local_user",
       NumberKey{&C::connections_per_local_user, 1, 1'000'000},
       "Most connections at a time from loopback, or of one user on a socket"},
      {"trusted_addresses", ListKey{&C::trusted_addresses, ','},
       "Address or range (10.0.0.0/8) that may have any number of connections"},
      {"connection_memory_bytes",
       NumberKey{&C::connection_memory_bytes, 16 << 20, int64_t{1} << 40, true},
       "Memory for the messages that all connections have under way"},
      {"drain_timeout",
       DurationKey{&C::drain_timeout, ZeroDuration(), Hours(1)},
       "Time that local workers have to leave when the server stops"},
      {"local_workers", NumberKey{&C::local_workers, 0, 256, false, true},
       "Number of workers that the server runs itself; auto: one for each "
       "device"},
      {"worker_command", TextKey{&C::worker_command},
       "Program of these workers", true},
      {"worker_args", ListKey{&C::worker_args, ' '},
       "Further argument for these workers; {index} becomes 0, 1, ...", true},
      {"worker_environment", ListKey{&C::worker_environment, ','},
       "Further environment variable for these workers: NAME, or NAME*"},
      {"lease_duration",
       DurationKey{&C::lease_duration, Milliseconds(200), Hours(1)},
       "Time after which a worker that does not report loses its batch"},
      {"heartbeat_interval",
       DurationKey{&C::heartbeat_interval, Milliseconds(50), Hours(1)},
       "Longest time between two reports of a worker"},
      {"worker_grace", DurationKey{&C::worker_grace, ZeroDuration(), Hours(1)},
       "Time from the end of a worker's stream to the end of its leases"},
      {"preview_steps", NumberKey{&C::preview_steps, 0, 10'000},
       "Steps between two previews of a picture in the making; 0: none"},
      {"artifact_max_bytes",
       NumberKey{&C::artifact_max_bytes, 1 << 10, int64_t{16} << 30, true},
       "Largest artifact"},
      {"artifact_any_type", SwitchKey{&C::artifact_any_type},
       "Also take artifacts that are not pictures"},
      {"artifact_keep", DurationKey{&C::artifact_keep, Seconds(1), kYear * 10},
       "Time that artifacts stay to which no job refers"},
      {"artifact_total_bytes",
       NumberKey{&C::artifact_total_bytes, 0, int64_t{1} << 50, true},
       "Most bytes of all artifacts together; 0: as many as fit on the disk"},
      {"upload_silence_max",
       DurationKey{&C::upload_silence_max, Milliseconds(100), Hours(1)},
       "Longest pause of an upload between two messages"},
      {"download_silence_max",
       DurationKey{&C::download_silence_max, Milliseconds(100), Hours(1)},
       "Longest time that a download waits for its caller to take a message"},
      {"events_max", NumberKey{&C::events_max, 100, 1'000'000'000},
       "Number of the newest events to keep"},
      {"events_keep", DurationKey{&C::events_keep, ZeroDuration(), kYear},
       "Age up to which more events than events_max are kept"},
      {"events_hard_max", NumberKey{&C::events_hard_max, 100, 1'000'000'000},
       "Most events to keep, however young"},
      {"changes_per_second", NumberKey{&C::changes_per_second, 0, 1'000'000},
       "Most changes of jobs and queues by one address a second; 0: any "
       "number"},
      {"request_keep",
       DurationKey{&C::request_keep, ZeroDuration(), kYear * 10},
       "Time that a request_id holds after its job was deleted"},
      {"job_bytes_max", NumberKey{&C::job_bytes_max, 64 << 10, 1 << 30, true},
       "Most bytes of the values of one job, its sweep counted in full"},
      {"checkpoint_steps", NumberKey{&C::checkpoint_steps, 0, 10'000},
       "Steps between two checkpoints of a run; 0: none are made"},
      {"checkpoint_max_bytes",
       NumberKey{&C::checkpoint_max_bytes, 1 << 10, 1 << 30, true},
       "Largest checkpoint of a run"},
      {"checkpoint_total_bytes",
       NumberKey{&C::checkpoint_total_bytes, 0, int64_t{1} << 50, true},
       "Most bytes of all checkpoints together"},
      {"device_profile", TextKey{&C::device_profile},
       "Measured times of the workers' device: FILE, FILE:NAME or unmeasured"},
      {"fair_share", SwitchKey{&C::fair_share},
       "Let owners of jobs take turns by predicted GPU time"},
      {"fair_weights", ListKey{&C::fair_weights, ','},
       "OWNER:WEIGHT: an owner's part of the time, 1 if not named"},
      {"owner_queued_max", NumberKey{&C::owner_queued_max, 0, 1'000'000'000},
       "Most runs of one owner that may wait; 0: any number"},
      {"owner_running_max", NumberKey{&C::owner_running_max, 0, 1'000'000},
       "Most runs of one owner that may run at once; 0: any number"},
      {"first_queue_settings", ListKey{&C::first_queue_settings, ','},
       "SETTING=VALUE: a setting of the queue that a new database begins with"},
      {"pixels_max", NumberKey{&C::pixels_max, 64, int64_t{16384} * 16384},
       "Most pixels of a requested or uploaded picture: width times height"},
      {"placement",
       TextKey{&C::placement,
               {"earliest-finish", "round-robin", "queue-depth"}},
       "Which worker gets a batch if several could"},
      {"affinity_wait",
       DurationKey{&C::affinity_wait, ZeroDuration(), Hours(1)},
       "Longest time that a run waits for a worker that has its model"},
      {"reader_threads", NumberKey{&C::reader_threads, 1, 64},
       "Threads that read the database"},
      {"group_max", NumberKey{&C::group_max, 1, 100'000},
       "Most writes in one transaction"},
      {"log_level", TextKey{&C::log_level},
       "Least level to log: trace, debug, info, warning or error; "
       "info,planner=debug: for one component another"},
      {"log_json", SwitchKey{&C::log_json}, "Log lines as JSON objects"},
  };
}

absl::Status Must(const std::string& be, const std::string& text) {
  return absl::InvalidArgumentError(
      absl::StrCat("must be ", be, ", not '", text, "'"));
}

bool ReadNumber(absl::string_view text, bool bytes, int64_t* number) {
  int64_t unit = 1;
  for (const auto& [name, size] : kByteUnits) {
    if (bytes && absl::ConsumeSuffix(&text, name)) unit = size;
  }
  return absl::SimpleAtoi(absl::StripAsciiWhitespace(text), number) &&
         !__builtin_mul_overflow(*number, unit, number);
}

std::string ShowNumber(int64_t number, bool bytes) {
  for (const auto& [name, size] : kByteUnits) {
    if (bytes && number > 0 && number % size == 0) {
      return absl::StrCat(number / size, name);
    }
  }
  return absl::StrCat(number);
}

absl::Status SetOne(const TextKey& key, const std::string& text, C* config) {
  if (text.empty()) return absl::InvalidArgumentError("must not be empty");
  config->*key.member = text;
  if (key.choices.empty()) return absl::OkStatus();
  for (const std::string& choice : key.choices) {
    if (choice == text) return absl::OkStatus();
  }
  absl::Status refused =
      Must(absl::StrCat("one of ", absl::StrJoin(key.choices, ", ")), text);
  return absl::InvalidArgumentError(
      absl::StrCat(refused.message(), DidYouMean(text, key.choices)));
}

absl::Status SetOne(const SwitchKey& key, const std::string& text, C* config) {
  if (absl::SimpleAtob(text, &(config->*key.member))) return absl::OkStatus();
  return Must("true or false", text);
}

absl::Status SetOne(const NumberKey& key, const std::string& text, C* config) {
  int64_t number = 0;
  if (key.may_be_auto && text == kAutoText) {
    number = kAuto;
  } else if (!ReadNumber(text, key.bytes, &number) || number < key.least ||
             number > key.most) {
    return Must(
        absl::StrCat("a whole number from ", ShowNumber(key.least, key.bytes),
                     " to ", ShowNumber(key.most, key.bytes),
                     key.may_be_auto ? ", or auto" : ""),
        text);
  }
  std::visit([&](auto member) { config->*member = number; }, key.member);
  return absl::OkStatus();
}

absl::Status SetOne(const DurationKey& key, const std::string& text,
                    C* config) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) || duration < key.least ||
      duration > key.most) {
    return Must(absl::StrCat("a duration like \"30s\", from ",
                             absl::FormatDuration(key.least), " to ",
                             absl::FormatDuration(key.most)),
                text);
  }
  config->*key.member = duration;
  return absl::OkStatus();
}

absl::Status Set(const ListKey& key, const std::vector<std::string>& texts,
                 C* config) {
  config->*key.member = texts;
  return absl::OkStatus();
}
template <class Kind>
absl::Status Set(const Kind& key, const std::vector<std::string>& texts,
                 C* config) {
  if (texts.size() == 1) return SetOne(key, texts[0], config);
  return absl::InvalidArgumentError("must be one value");
}

std::string Quoted(const std::string& text) {
  // TOML's basic strings know all of JSON's escapes.
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

std::string Show(const TextKey& key, const C& config) {
  return Quoted(config.*key.member);
}
std::string Show(const ListKey& key, const C& config) {
  return absl::StrCat(
      "[",
      absl::StrJoin(config.*key.member, ", ",
                    [](std::string* out, const std::string& item) {
                      *out += Quoted(item);
                    }),
      "]");
}
std::string Show(const SwitchKey& key, const C& config) {
  return config.*key.member ? "true" : "false";
}
std::string Show(const NumberKey& key, const C& config) {
  const int64_t number = std::visit(
      [&](auto member) -> int64_t { return config.*member; }, key.member);
  if (key.may_be_auto && number == kAuto) return Quoted(kAutoText);
  const std::string text = ShowNumber(number, key.bytes);
  return text == absl::StrCat(number) ? text : Quoted(text);
}
std::string Show(const DurationKey& key, const C& config) {
  return Quoted(absl::FormatDuration(config.*key.member));
}

}  // namespace

std::string ConfigKey::Environment() const {
  return absl::StrCat("SHEAF_", absl::AsciiStrToUpper(name));
}

std::string ConfigKey::Flag() const {
  // The flag gives one argument; the key holds all of them.
  if (name == "worker_args") return "--worker-arg";
  return absl::StrCat("--", absl::StrReplaceAll(name, {{"_", "-"}}));
}

const std::vector<ConfigKey>& ConfigKeys() {
  static const auto* const kKeys = new std::vector<ConfigKey>(MakeKeys());
  return *kKeys;
}

absl::Status SetKey(const ConfigKey& key, const std::vector<std::string>& texts,
                    ServerConfig* config) {
  return std::visit([&](const auto& kind) { return Set(kind, texts, config); },
                    key.kind);
}

std::string ShowKey(const ConfigKey& key, const ServerConfig& config) {
  return std::visit([&](const auto& kind) { return Show(kind, config); },
                    key.kind);
}

std::string ShowKeyToAll(const ConfigKey& key, const ServerConfig& config) {
  return key.is_private ? Quoted("(private)") : ShowKey(key, config);
}

}  // namespace sheaf::server
