#include "server/config/config.h"

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/config/config_keys.h"
#include "tests/base/temp_folder.h"

namespace sheaf::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = directory_ + "/sheafd.toml";
    environment_ = {{"HOME", "/home/ann"}};
  }

  void WriteFile(const std::string& text) { std::ofstream(file_) << text; }

  absl::StatusOr<Invocation> Load(std::vector<std::string> args) {
    ConfigSources sources;
    sources.environment =
        [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    };
    sources.default_file = file_;
    sources.program = "/opt/sheaf/bin/sheafd";
    return LoadConfig(args, sources);
  }
  ServerConfig Config(std::vector<std::string> args = {}) {
    const auto loaded = Load(std::move(args));
    EXPECT_TRUE(loaded.ok()) << loaded.status().ToString();
    return loaded.ok() ? loaded->config : ServerConfig();
  }
  std::string ErrorOf(std::vector<std::string> args = {}) {
    const absl::Status status = Load(std::move(args)).status();
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  }
  std::string Print(std::vector<std::string> args = {}) {
    args.push_back("--print-config");
    const auto loaded = Load(std::move(args));
    EXPECT_TRUE(loaded.ok()) << loaded.status().ToString();
    if (!loaded.ok()) return "";
    EXPECT_EQ(loaded->command, Command::kPrint);
    return loaded->text;
  }

  const TempFolder temp_;
  const std::string directory_ = temp_.path();
  std::string file_;
  std::map<std::string, std::string> environment_;
};

TEST_F(ConfigTest, DefaultsServeOnLoopback) {
  const auto loaded = Load({});
  ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
  EXPECT_EQ(loaded->command, Command::kServe);
  const ServerConfig& config = loaded->config;
  EXPECT_THAT(config.listen, ElementsAre("127.0.0.1:7420"));
  EXPECT_EQ(config.data_dir, "/home/ann/.local/state/sheaf");
  EXPECT_EQ(config.backup_dir, "/home/ann/.local/state/sheaf/backups");
  EXPECT_EQ(config.worker_command, "/opt/sheaf/bin/sheaf-worker");
  EXPECT_EQ(config.lease_duration, absl::Seconds(30));
  EXPECT_EQ(config.heartbeat_interval, absl::Seconds(5));
  EXPECT_EQ(config.artifact_keep, absl::Hours(24));
  EXPECT_EQ(config.max_message_bytes, 8 << 20);
  EXPECT_TRUE(config.reflection);
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST_F(ConfigTest, EveryDefaultIsWithinItsLimits) {
  const ServerConfig config = Config();
  for (const ConfigKey& key : ConfigKeys()) {
    if (key.Is<ListKey>()) continue;
    std::string text = ShowKey(key, config);
    text.erase(std::remove(text.begin(), text.end(), '"'), text.end());
    ServerConfig copy;
    EXPECT_TRUE(SetKey(key, {text}, &copy).ok()) << key.name << " " << text;
    EXPECT_EQ(ShowKey(key, copy), ShowKey(key, config));
  }
}

TEST_F(ConfigTest, AFlagWinsOverTheEnvironmentOverTheFileOverTheDefault) {
  EXPECT_EQ(Config().events_max, 1'000'000);
  WriteFile("events_max = 1001\n");
  EXPECT_EQ(Config().events_max, 1001);
  environment_["SHEAF_EVENTS_MAX"] = "1002";
  EXPECT_EQ(Config().events_max, 1002);
  EXPECT_EQ(Config({"--events-max", "1003"}).events_max, 1003);
  EXPECT_EQ(Config({"--events-max=1004"}).events_max, 1004);
}

TEST_F(ConfigTest, TheDataDirectoryFollowsSystemdThenXdgThenHome) {
  environment_["XDG_STATE_HOME"] = "/state";
  EXPECT_EQ(Config().data_dir, "/state/sheaf");
  environment_["STATE_DIRECTORY"] = "/var/lib/sheaf:/var/lib/other";
  EXPECT_EQ(Config().data_dir, "/var/lib/sheaf");
  EXPECT_EQ(Config({"--data-dir", "here"}).data_dir, "here");
  environment_ = {{"XDG_STATE_HOME", "relative"}};
  EXPECT_THAT(ErrorOf(), HasSubstr("data_dir (default)"));
}

TEST_F(ConfigTest, ListsComeFromRepeatedFlagsCommasAndArrays) {
  WriteFile(
      "listen = [\"127.0.0.1:1\", \"[::1]:2\"]\n"
      "worker_args = [\"--device\", \"a b, c\"]\n");
  EXPECT_THAT(Config().listen, ElementsAre("127.0.0.1:1", "[::1]:2"));
  EXPECT_THAT(Config().worker_args, ElementsAre("--device", "a b, c"));
  environment_["SHEAF_LISTEN"] = "127.0.0.1:3,unix:/run/sheaf.sock";
  environment_["SHEAF_WORKER_ARGS"] = "--once  --name=x";
  EXPECT_THAT(Config().listen,
              ElementsAre("127.0.0.1:3", "unix:/run/sheaf.sock"));
  EXPECT_THAT(Config().worker_args, ElementsAre("--once", "--name=x"));
  EXPECT_THAT(Config({"--listen", "127.0.0.1:4", "--listen=localhost:5",
                      "--worker-arg=--device", "--worker-arg", "cuda:{index}"})
                  .listen,
              ElementsAre("127.0.0.1:4", "localhost:5"));
  EXPECT_THAT(
      Config({"--worker-arg=--device", "--worker-arg", "a,b c"}).worker_args,
      ElementsAre("--device", "a,b c"));
}

TEST_F(ConfigTest, SwitchesTurnOnAndOffEverywhere) {
  EXPECT_TRUE(Config({"--log-json"}).log_json);
  EXPECT_FALSE(Config({"--no-reflection"}).reflection);
  EXPECT_FALSE(Config({"--reflection=false"}).reflection);
  environment_["SHEAF_REFLECTION"] = "0";
  EXPECT_FALSE(Config().reflection);
  EXPECT_TRUE(Config({"--reflection"}).reflection);
  environment_["SHEAF_REFLECTION"] = "";
  WriteFile("reflection = false\n");
  EXPECT_FALSE(Config().reflection);
}

TEST_F(ConfigTest, BytesAndDurationsHaveUnits) {
  WriteFile(
      "artifact_max_bytes = \"2GiB\"\nmax_message_bytes = 131072\n"
      "artifact_keep = \"1h30m\"\n");
  EXPECT_EQ(Config().artifact_max_bytes, int64_t{2} << 30);
  EXPECT_EQ(Config().max_message_bytes, 131072);
  EXPECT_EQ(Config().artifact_keep, absl::Minutes(90));
  EXPECT_EQ(Config({"--artifact-max-bytes", "512 KiB"}).artifact_max_bytes,
            512 << 10);
}

TEST_F(ConfigTest, AWorkerForEachDeviceIsANumberToo) {
  const ServerConfig config = Config({"--local-workers", "auto"});
  EXPECT_EQ(config.local_workers, kAuto);
  WriteFile("local_workers = \"auto\"\n");
  EXPECT_EQ(Config().local_workers, kAuto);
  WriteFile("local_workers = 3\n");
  EXPECT_EQ(Config().local_workers, 3);
  EXPECT_THAT(ErrorOf({"--local-workers=-1"}), HasSubstr("or auto"));
}

TEST_F(ConfigTest, AShortLeaseHasAShorterHeartbeat) {
  EXPECT_EQ(Config({"--lease-duration", "3s"}).heartbeat_interval,
            absl::Seconds(1));
  EXPECT_THAT(
      ErrorOf({"--lease-duration", "3s", "--heartbeat-interval", "2s"}),
      HasSubstr("heartbeat_interval (flag --heartbeat-interval): must be at "
                "most half"));
}

TEST_F(ConfigTest, AnUnknownKeyIsNamedWithItsFileAndItsNeighbour) {
  WriteFile("# a comment\nlease_duratoin = \"30s\"\n");
  EXPECT_EQ(ErrorOf(), absl::StrCat(file_,
                                    ":2: unknown key 'lease_duratoin', did you "
                                    "mean 'lease_duration'?"));
  WriteFile("[server]\nlisten = \"127.0.0.1:1\"\n");
  EXPECT_THAT(ErrorOf(), HasSubstr("unknown key 'server'"));
}

TEST_F(ConfigTest, AnUnknownFlagOrCommandIsNamedWithItsNeighbour) {
  EXPECT_EQ(ErrorOf({"--data-dri=x"}),
            "unknown flag '--data-dri', did you mean '--data-dir'?");
  EXPECT_EQ(ErrorOf({"resotre"}),
            "unknown command 'resotre', did you mean 'restore'?");
  EXPECT_EQ(ErrorOf({"restore", "--backup", "a", "--data-dir", "b", "--x"}),
            "unknown flag '--x'");
  EXPECT_THAT(ErrorOf({"--data-dir"}), HasSubstr("--data-dir"));
  EXPECT_THAT(ErrorOf({"--data-dir", "a", "--data-dir", "b"}),
              HasSubstr("--data-dir"));
}

TEST_F(ConfigTest, TheFileMustHoldTheRightTypes) {
  const std::pair<const char*, const char*> kFaults[] = {
      {"data_dir = 3", "data_dir must be a text in quotes"},
      {"data_dir = [\"a\"]", "data_dir must be a text in quotes"},
      {"listen = [1]", "listen must be a list of texts"},
      {"listen = {a = 1}", "listen must be a list of texts"},
      {"reflection = \"true\"", "reflection must be true or false"},
      {"reflection = 1", "reflection must be true or false"},
      {"reader_threads = \"2\"", "reader_threads must be a whole number"},
      {"reader_threads = 2.0", "reader_threads must be a whole number"},
      {"lease_duration = 30", "lease_duration must be a duration in quotes"},
      {"max_message_bytes = true", "max_message_bytes must be a number of"},
  };
  for (const auto& [text, message] : kFaults) {
    WriteFile(text);
    EXPECT_THAT(ErrorOf(), StartsWith(absl::StrCat(file_, ":1: ", message)));
  }
}

TEST_F(ConfigTest, ValuesOutOfRangeAreRefusedWhereverTheyComeFrom) {
  const std::pair<const char*, const char*> kFaults[] = {
      {"--reader-threads", "0"},
      {"--reader-threads", "65"},
      {"--reader-threads", "two"},
      {"--reader-threads", "2MiB"},
      {"--lease-duration", "-5s"},
      {"--lease-duration", "30"},
      {"--lease-duration", "inf"},
      {"--artifact-max-bytes", "64MB"},
      {"--artifact-max-bytes", "99999999GiB"},
      {"--artifact-max-bytes", "1"},
      {"--log-level", "loud"},
      {"--boot-check", "on"},
      {"--events-max", "99999999999999999999"},
  };
  for (const auto& [flag, value] : kFaults) {
    EXPECT_THAT(ErrorOf({absl::StrCat(flag, "=", value)}),
                AllOf(HasSubstr("(flag "), HasSubstr("must ")))
        << flag << " " << value;
  }
  EXPECT_THAT(ErrorOf({"--log-level=wanring"}),
              HasSubstr("did you mean 'warning'?"));
  environment_["SHEAF_GROUP_MAX"] = "0";
  EXPECT_EQ(ErrorOf(),
            "group_max (SHEAF_GROUP_MAX): must be a whole number from 1 to "
            "100000, not '0'");
  environment_.erase("SHEAF_GROUP_MAX");
  WriteFile("\ngroup_max = -1");
  EXPECT_THAT(ErrorOf(), StartsWith(absl::StrCat("group_max (", file_, ":2)")));
  WriteFile("data_dir = \"\"");
  EXPECT_THAT(ErrorOf(), HasSubstr(":1): must not be empty"));
  EXPECT_THAT(ErrorOf({"--data-dir="}), HasSubstr("--data-dir"));
}

TEST_F(ConfigTest, BrokenTomlIsNamedWithItsLine) {
  WriteFile("listen = \"127.0.0.1:1\"\nlisten = = 3\n");
  EXPECT_THAT(ErrorOf(), StartsWith(file_ + ":2: "));
  WriteFile("log_json = true\nlog_json = true\n");
  EXPECT_THAT(ErrorOf(), StartsWith(file_ + ":2: "));
  WriteFile(std::string("\0\xff", 2));
  EXPECT_THAT(ErrorOf(), StartsWith(file_ + ":1: "));
}

TEST_F(ConfigTest, AFileThatIsNamedMustBeThere) {
  EXPECT_THAT(ErrorOf({"--config", directory_ + "/none.toml"}),
              HasSubstr("No such file"));
  EXPECT_THAT(ErrorOf({"--config", directory_}), HasSubstr("cannot read"));
  const std::string other = directory_ + "/other.toml";
  std::ofstream(other) << "group_max = 7\n";
  WriteFile("this is not read");
  EXPECT_EQ(Config({"--config", other}).group_max, 7);
}

TEST_F(ConfigTest, AddressesThatOthersReachMustBeAskedFor) {
  for (const char* address :
       {"0.0.0.0:7420", "[::]:7420", "192.168.1.5:7420", "example.com:7420",
        "128.0.0.1:7420", "localhost.example.com:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_THAT(ErrorOf({"--listen", address}),
                HasSubstr("insecure_allow_plaintext"))
        << address;
    const ServerConfig config =
        Config({"--listen", address, "--insecure-allow-plaintext"});
    EXPECT_THAT(config.warnings, ElementsAre(HasSubstr(address)));
  }
  for (const char* address :
       {"127.0.0.1:0", "127.9.9.9:65535", "localhost:1", "[::1]:7420",
        "unix:/run/sheaf.sock", "unix:relative.sock"}) {
    EXPECT_THAT(Config({"--listen", address}).warnings, IsEmpty()) << address;
  }
}

TEST_F(ConfigTest, WhatIsNoAddressIsRefused) {
  for (const char* address :
       {"7420", ":7420", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
        "127.0.0.1:-1", "127.0.0.1:http", "::1:7420", "[::1]", "[x]:1",
        "unix:", "unix-abstract:x", "dns:///localhost:1", "a b:1", ""}) {
    EXPECT_THAT(ErrorOf({absl::StrCat("--listen=", address),
                         "--insecure-allow-plaintext"}),
                StartsWith("listen (flag --listen): '"))
        << address;
  }
  EXPECT_THAT(ErrorOf({"--listen", "unix:/" + std::string(200, 'x')}),
              HasSubstr("at most 107 bytes"));
  WriteFile("listen = []\n");
  EXPECT_THAT(ErrorOf(), HasSubstr("must name an address"));
}

TEST_F(ConfigTest, PrintConfigShowsEachValueWithItsOrigin) {
  WriteFile("log_json = true\n");
  environment_["SHEAF_GROUP_MAX"] = "9";
  const std::string text = Print({"--lease-duration", "90s"});
  EXPECT_THAT(text, HasSubstr("lease_duration = \"1m30s\"  # flag "
                              "--lease-duration\n"));
  EXPECT_THAT(text, HasSubstr("group_max = 9  # SHEAF_GROUP_MAX\n"));
  EXPECT_THAT(text, HasSubstr("log_json = true  # " + file_ + ":1\n"));
  EXPECT_THAT(text, HasSubstr("max_message_bytes = \"8MiB\"  # default\n"));
}

TEST_F(ConfigTest, WhatPrintConfigShowsLoadsAsTheSame) {
  const std::string first =
      Print({"--lease-duration=20s", "--worker-arg=a\"b\\c\n", "--listen",
             "127.0.0.1:1", "--listen", "unix:x", "--no-reflection"});
  WriteFile(first);
  const std::regex origin("  # .*");
  EXPECT_EQ(std::regex_replace(Print(), origin, ""),
            std::regex_replace(first, origin, ""));
}

TEST_F(ConfigTest, ALogLevelMayNameComponents) {
  EXPECT_EQ(Config({"--log-level=info,planner=debug"}).log_level,
            "info,planner=debug");
  EXPECT_THAT(ErrorOf({"--log-level=loud"}),
              HasSubstr("log_level (flag --log-level): must be one of trace"));
}

TEST_F(ConfigTest, CommonNamesOfOtherServersSetTheFirstQueue) {
  environment_["ENABLE_BATCHING"] = "true";
  environment_["MAX_BATCH_SIZE"] = "8";
  environment_["MAX_BATCH_WAIT_TIME"] = "5.0";
  environment_["ADAPTIVE_BATCH_THRESHOLD"] = "12";
  environment_["GPU_LOAD_BALANCE_STRATEGY"] = "queue-depth";
  const ServerConfig config = Config();
  EXPECT_THAT(config.first_queue_settings,
              ElementsAre("policy=adaptive", "batch_size=8", "wait_max=5.0s",
                          "threshold=12"));
  EXPECT_EQ(config.placement, "queue-depth");
  EXPECT_THAT(Print(), HasSubstr("# ENABLE_BATCHING, MAX_BATCH_SIZE"));
  // A name of our own wins.
  environment_["SHEAF_FIRST_QUEUE_SETTINGS"] = "policy=off";
  EXPECT_THAT(Config().first_queue_settings, ElementsAre("policy=off"));
}

TEST_F(ConfigTest, BatchingThatIsTurnedOffIsOff) {
  environment_["ENABLE_BATCHING"] = "false";
  EXPECT_THAT(Config().first_queue_settings, ElementsAre("policy=off"));
  environment_["ENABLE_BATCHING"] = "";
  EXPECT_THAT(Config().first_queue_settings, IsEmpty());
  environment_["ENABLE_ADAPTIVE_BATCHING"] = "false";
  environment_["ADAPTIVE_BATCH_THRESHOLD"] = "12";
  EXPECT_THAT(Config().first_queue_settings, ElementsAre("threshold=1000000"));
}

TEST_F(ConfigTest, RestoreNamesABackupAndAPlace) {
  const auto loaded =
      Load({"restore", "--backup", "b.sqlite", "--data-dir", "d"});
  ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
  EXPECT_EQ(loaded->command, Command::kRestore);
  EXPECT_EQ(loaded->backup_file, "b.sqlite");
  EXPECT_EQ(loaded->config.data_dir, "d");
  EXPECT_THAT(ErrorOf({"restore", "--backup", "b.sqlite"}),
              HasSubstr("--data-dir"));
  EXPECT_THAT(ErrorOf({"restore", "--data-dir", "d"}), HasSubstr("--backup"));
}

TEST_F(ConfigTest, RepairNeedsADirectory) {
  const auto repair = Load({"repair", "--data-dir", "d"});
  ASSERT_TRUE(repair.ok());
  EXPECT_EQ(repair->command, Command::kRepair);
  EXPECT_EQ(repair->config.data_dir, "d");
  EXPECT_THAT(ErrorOf({"repair"}), HasSubstr("--data-dir"));
}

TEST_F(ConfigTest, VersionAndHelpArePrintedWhateverTheFileHolds) {
  WriteFile("broken");
  for (const char* word : {"version", "--version"}) {
    const auto loaded = Load({word});
    ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
    EXPECT_EQ(loaded->command, Command::kPrint);
    EXPECT_THAT(loaded->text, StartsWith("sheafd 0."));
  }
  const auto help = Load({"--help"});
  ASSERT_TRUE(help.ok());
  EXPECT_EQ(help->command, Command::kPrint);
  for (const ConfigKey& key : ConfigKeys()) {
    EXPECT_THAT(help->text, HasSubstr(key.Flag()));
    EXPECT_THAT(help->text, HasSubstr(key.help.substr(0, 20)));
  }
}

// deploy/sheafd.toml shows every key, commented out, at its default.
class ExampleFileTest : public ConfigTest {
 protected:
  std::string Example() {
    std::ifstream file(SHEAF_SOURCE_DIR "/deploy/sheafd.toml");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
};

TEST_F(ExampleFileTest, ChangesNothingAsItStands) {
  const std::string before = Print();
  WriteFile(Example());
  EXPECT_EQ(Print(), before);
}

TEST_F(ExampleFileTest, HoldsEveryKeyAtItsDefault) {
  environment_["STATE_DIRECTORY"] = "/var/lib/sheaf";
  const std::string defaults = Print();
  WriteFile(std::regex_replace(Example(), std::regex("#(\\w+ = )"), "$1"));
  std::string settings = Print();
  EXPECT_THAT(settings, Not(HasSubstr("# default")));
  settings = std::regex_replace(settings, std::regex("  # .*"), "");
  // The file shows the paths of an installed server.
  std::string expected = std::regex_replace(defaults, std::regex("  # .*"), "");
  expected =
      std::regex_replace(expected, std::regex("/opt/sheaf/bin"), "/usr/bin");
  EXPECT_EQ(settings, expected);
}

}  // namespace
}  // namespace sheaf::server
