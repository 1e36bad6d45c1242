// A fake server, a folder, and command lines that talk to the one and write to
// the other.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/fake_server.h"
#include "tests/cli/run_cli.h"

namespace sheaf::cli {

inline std::string BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class WireTest : public testing::Test {
 protected:
  WireTest() {
    directory_ = testing::TempDir() + "/sheaf_wire_" +
                 std::to_string(getpid()) + "." +
                 testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  ~WireTest() override { std::filesystem::remove_all(directory_); }

  RunResult Cli(std::vector<std::string> arguments, RunOptions options = {}) {
    options.variables["SHEAF_SERVER"] = server_.address();
    return RunCli(arguments, options);
  }
  std::string Write(const std::string& name, const std::string& bytes) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  FakeServer server_;
  std::string directory_;
};

}  // namespace sheaf::cli
