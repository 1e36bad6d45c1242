// The things that a command works with: the settings, the three streams, the
// facts about the terminal, and the server. Made by Main, borrowed by the one
// command that runs; not for several threads.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/support/client.h"
#include "cli/support/config.h"
#include "cli/support/output.h"

namespace sheaf::cli {

// The world outside, replaced by tests.
struct Environment {
  std::istream* in = nullptr;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  std::function<std::optional<std::string>(const std::string&)> variable;
  std::string system_file = "/etc/sheaf/sheaf.toml";
};

// The process's own streams and variables.
Environment ProcessEnvironment();

class Context {
 public:
  explicit Context(Environment environment);

  // Reads the settings, with `flags` (by key) on top.
  absl::Status Configure(const std::map<std::string, std::string>& flags);

  // The server of the settings. INVALID_ARGUMENT for a broken --timeout or a
  // token file that others can read.
  absl::StatusOr<Client*> Connect();

  Printer MakePrinter();
  // Whether the output is to be read by people: a table, and no JSON.
  bool IsForPeople() const;
  // Whether it is JSON, errors included.
  bool IsJson() const;
  // A line for the user on standard error; nothing with --quiet.
  void Say(const std::string& line);
  // Asks the question on the terminal. OK for yes; CANCELLED for no;
  // INVALID_ARGUMENT without a terminal to ask. Always OK with --yes.
  absl::Status Confirm(const std::string& question);

  const std::string& Setting(const std::string& key) const;
  // "queues/NAME" of the queue that is named, or, if none is, of the one in the
  // settings. INVALID_ARGUMENT if it is no queue's name.
  absl::StatusOr<std::string> QueueOrUsual(const std::string& name) const;
  const Settings& settings() const { return settings_; }
  const Environment& environment() const { return environment_; }
  std::ostream& out() const { return *environment_.out; }
  std::ostream& err() const { return *environment_.err; }
  bool UsesColor(bool is_terminal) const;

  // Filled by the parser.
  bool assume_yes = false;
  bool quiet = false;
  // The action of the chosen verb.
  std::function<absl::Status()> action;

 private:
  absl::StatusOr<std::string> ReadToken() const;

  Environment environment_;
  Settings settings_;
  std::unique_ptr<Client> client_;
};

}  // namespace sheaf::cli
