#include "server/config/config.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/log/log.h"
#include "base/near_word.h"
#include "base/status.h"
#include "base/version.h"
#include "server/config/address_range.h"
#include "server/config/common_names.h"
#include "server/config/config_file.h"
#include "server/config/config_keys.h"
#include "server/config/listen_address.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kHeartbeatDefaultMost = absl::Seconds(5);

struct CommandLine {
  RawValues values;
  std::optional<std::string> config_file;
  bool print_config = false;
  bool version = false;
  std::optional<std::string> help;
  bool restore = false;
  std::string backup_file;
  bool repair = false;
  std::string data_dir;  // of restore and of repair
};

absl::Status UnknownWord(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known = {"repair", "restore", "version"};
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      known.push_back("--" + name);
    }
  }
  const std::string name = word.substr(0, word.find('='));
  return absl::InvalidArgumentError(
      absl::StrCat("unknown ", name[0] == '-' ? "flag" : "command", " '", name,
                   "'", DidYouMean(name, known)));
}

CLI::Option* AddKey(const ConfigKey& key, CLI::App* app) {
  if (key.Is<SwitchKey>()) {
    return app->add_flag(
        absl::StrCat(key.Flag(), ",!--no-", key.Flag().substr(2)), key.help);
  }
  CLI::Option* option = app->add_option(key.Flag())
                            ->description(key.help)
                            ->type_size(1)
                            ->allow_extra_args(false);
  if (key.Is<ListKey>()) {
    return option->expected(1, CLI::detail::expected_max_vector_size)
        ->type_name("TEXT");
  }
  return option->expected(1)->type_name(
      key.Is<DurationKey>() ? "DURATION"
                            : (key.Is<NumberKey>() ? "NUMBER" : "TEXT"));
}

// CLI11's exceptions end here.
absl::StatusOr<CommandLine> ParseCommandLine(std::vector<std::string> args) {
  CommandLine line;
  CLI::App app("sheafd: the server of the Sheaf job queue", "sheafd");
  app.allow_extras();
  std::vector<std::pair<const ConfigKey*, CLI::Option*>> options;
  for (const ConfigKey& key : ConfigKeys()) {
    options.emplace_back(&key, AddKey(key, &app));
  }
  app.add_option("--config", line.config_file, "Configuration file");
  app.add_flag("--print-config", line.print_config,
               "Print each setting with its source, and exit");
  app.add_flag("--version", line.version, "Print the version, and exit");
  app.add_subcommand("version", "Print the version")->callback([&] {
    line.version = true;
  });
  CLI::App* restore = app.add_subcommand(
      "restore", "Replace the database with a backup; the server must not run");
  restore->add_option("--backup", line.backup_file, "Backup to restore")
      ->required();
  restore
      ->add_option("--data-dir", line.data_dir, "Data directory to restore to")
      ->required();
  restore->callback([&] { line.restore = true; });
  CLI::App* repair =
      app.add_subcommand("repair",
                         "Recount the runs of the database and hand back those "
                         "that no lease holds; the server must not run");
  repair
      ->add_option("--data-dir", line.data_dir,
                   "Data directory of the database")
      ->required();
  repair->callback([&] { line.repair = true; });
  try {
    // CLI11 takes them from the back.
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::CallForHelp&) {
    line.help = app.help();
    return line;
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(error.what());
  }
  const std::vector<std::string> unknown = app.remaining(true);
  if (!unknown.empty()) return UnknownWord(app, unknown.front());
  for (const auto& [key, option] : options) {
    if (option->count() == 0) continue;
    line.values[key->name] = {option->results(),
                              absl::StrCat("flag ", key->Flag())};
  }
  return line;
}

RawValues FromEnvironment(const ConfigSources& sources) {
  RawValues values;
  for (const ConfigKey& key : ConfigKeys()) {
    const auto text = sources.environment(key.Environment());
    // As for NO_COLOR: an empty variable counts as unset.
    if (!text || text->empty()) continue;
    RawValue value{{*text}, key.Environment()};
    if (const auto* list = std::get_if<ListKey>(&key.kind)) {
      value.texts = absl::StrSplit(*text, list->separator, absl::SkipEmpty());
    }
    values[key.name] = std::move(value);
  }
  return values;
}

// The state directory that systemd, XDG or the home directory means.
std::string DefaultDataDir(const ConfigSources& sources) {
  const auto absolute = [&](const char* variable) -> std::string {
    const auto path = sources.environment(variable);
    return path && !path->empty() && path->front() == '/' ? *path : "";
  };
  const std::string state = absolute("STATE_DIRECTORY");
  // systemd lists all of a unit's; the first is the main one.
  if (!state.empty()) return state.substr(0, state.find(':'));
  const std::string xdg = absolute("XDG_STATE_HOME");
  if (!xdg.empty()) return xdg + "/sheaf";
  const std::string home = absolute("HOME");
  return home.empty() ? "" : home + "/.local/state/sheaf";
}

// Sets a default that depends on other settings or on the process. Keys come in
// an order in which those settings are known.
void SetDefault(const ConfigKey& key, const ConfigSources& sources,
                ServerConfig* config) {
  if (key.name == "data_dir") {
    config->data_dir = DefaultDataDir(sources);
  } else if (key.name == "backup_dir") {
    config->backup_dir = config->data_dir + "/backups";
  } else if (key.name == "worker_command") {
    config->worker_command =
        std::filesystem::path(sources.program).replace_filename("sheaf-worker");
  } else if (key.name == "heartbeat_interval") {
    config->heartbeat_interval =
        std::min(config->lease_duration / 3, kHeartbeatDefaultMost);
  }
}

absl::Status Fault(const std::string& key, const RawValues& values,
                   const std::string& what) {
  const auto found = values.find(key);
  return absl::InvalidArgumentError(absl::StrCat(
      key, " (", found == values.end() ? "default" : found->second.origin,
      "): ", what));
}

// Checks the rules that no key can check alone.
absl::Status CheckWhole(const RawValues& values, ServerConfig* config) {
  if (config->data_dir.empty()) {
    return Fault("data_dir", values,
                 "the folder of the database is not known: set data_dir, "
                 "STATE_DIRECTORY, XDG_STATE_HOME or HOME");
  }
  if (config->heartbeat_interval > config->lease_duration / 2) {
    return Fault("heartbeat_interval", values,
                 "must be at most half of lease_duration, so that one lost "
                 "heartbeat ends no lease");
  }
  if (config->listen.empty()) {
    return Fault("listen", values, "must name an address");
  }
  for (const std::string& address : config->listen) {
    const absl::Status checked = CheckListenAddress(address);
    if (!checked.ok()) {
      return Fault("listen", values, std::string(checked.message()));
    }
    if (IsLocalAddress(address)) continue;
    if (!config->insecure_allow_plaintext) {
      return Fault(
          "listen", values,
          absl::StrCat("'", address,
                       "' can be reached by other machines, and nothing is "
                       "encrypted or asks for a password; use 127.0.0.1 or "
                       "unix:PATH, or set insecure_allow_plaintext"));
    }
    config->warnings.push_back(
        absl::StrCat("insecure_allow_plaintext: anybody who reaches ", address,
                     " can read and change everything, and so can anybody on "
                     "the network between"));
  }
  return absl::OkStatus();
}

absl::Status CheckLogLevel(const RawValues& values,
                           const ServerConfig& config) {
  const auto levels = ParseLogLevels(config.log_level);
  if (levels.ok()) return absl::OkStatus();
  return Fault("log_level", values, std::string(levels.status().message()));
}

absl::Status CheckAddresses(const RawValues& values,
                            const ServerConfig& config) {
  for (const std::string& text : config.trusted_addresses) {
    const auto range = ParseAddressRange(text);
    if (!range.ok()) {
      return Fault("trusted_addresses", values,
                   std::string(range.status().message()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<RawValues> FromFile(const CommandLine& line,
                                   const ConfigSources& sources) {
  if (line.config_file) return ReadConfigFile(*line.config_file);
  auto values = ReadConfigFile(sources.default_file);
  if (absl::IsNotFound(values.status())) return RawValues();
  return values;
}

std::string Printed(const ServerConfig& config, const RawValues& values) {
  std::string text;
  for (const ConfigKey& key : ConfigKeys()) {
    const auto found = values.find(key.name);
    absl::StrAppend(&text, key.name, " = ", ShowKey(key, config), "  # ",
                    found == values.end() ? "default" : found->second.origin,
                    "\n");
  }
  return text;
}

}  // namespace

ConfigSources ProcessSources() {
  ConfigSources sources;
  sources.environment =
      [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) sources.program = program;
  return sources;
}

absl::StatusOr<Invocation> LoadConfig(const std::vector<std::string>& args,
                                      const ConfigSources& sources) {
  SHEAF_ASSIGN_OR_RETURN(CommandLine line, ParseCommandLine(args));
  Invocation invocation;
  invocation.command = Command::kPrint;
  if (line.help || line.version) {
    invocation.text =
        line.help ? *line.help : absl::StrCat("sheafd ", kVersion, "\n");
    return invocation;
  }
  if (line.restore || line.repair) {
    invocation.command = line.restore ? Command::kRestore : Command::kRepair;
    invocation.backup_file = line.backup_file;
    invocation.config.data_dir = line.data_dir;
    return invocation;
  }
  // merge() keeps what is there.
  RawValues values = std::move(line.values);
  values.merge(FromEnvironment(sources));
  values.merge(FromCommonNames(sources));
  SHEAF_ASSIGN_OR_RETURN(RawValues from_file, FromFile(line, sources));
  values.merge(from_file);
  ServerConfig& config = invocation.config;
  for (const ConfigKey& key : ConfigKeys()) {
    const auto found = values.find(key.name);
    if (found == values.end()) {
      SetDefault(key, sources, &config);
      continue;
    }
    const absl::Status set = SetKey(key, found->second.texts, &config);
    if (!set.ok()) return Fault(key.name, values, std::string(set.message()));
  }
  SHEAF_RETURN_IF_ERROR(CheckWhole(values, &config));
  SHEAF_RETURN_IF_ERROR(CheckAddresses(values, config));
  SHEAF_RETURN_IF_ERROR(CheckLogLevel(values, config));
  if (line.print_config) {
    invocation.text = Printed(config, values);
  } else {
    invocation.command = Command::kServe;
  }
  return invocation;
}

}  // namespace sheaf::server
