#include "cli/support/context.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/text.h"

namespace sheaf::cli {
namespace {

constexpr size_t kTokenBytesMax = 4096;

bool IsLocal(const std::string& server) {
  for (const char* start :
       {"unix:", "unix-abstract:", "127.", "localhost:", "[::1]:"}) {
    if (absl::StartsWith(server, start)) return true;
  }
  return server == "localhost";
}

// The whole file, if it is a plain file that only its owner can read.
absl::StatusOr<std::string> ReadSecret(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return UsageError(absl::StrCat("cannot read ", path));
  struct stat info = {};
  std::string text(kTokenBytesMax + 1, '\0');
  const bool known = fstat(file, &info) == 0 && S_ISREG(info.st_mode);
  const ssize_t size = known ? read(file, text.data(), text.size()) : -1;
  close(file);
  if (size < 0 || static_cast<size_t>(size) > kTokenBytesMax) {
    return UsageError(absl::StrCat(path, " is not a token file"));
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return UsageError(absl::StrCat("other users may read ", path,
                                   ": chmod 600 it, to keep it secret"));
  }
  text.resize(size);
  return text;
}

}  // namespace

Environment ProcessEnvironment() {
  Environment environment;
  environment.in = &std::cin;
  environment.out = &std::cout;
  environment.err = &std::cerr;
  environment.in_is_terminal = isatty(STDIN_FILENO) != 0;
  environment.out_is_terminal = isatty(STDOUT_FILENO) != 0;
  environment.err_is_terminal = isatty(STDERR_FILENO) != 0;
  environment.variable =
      [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
  return environment;
}

Context::Context(Environment environment)
    : environment_(std::move(environment)) {}

absl::Status Context::Configure(
    const std::map<std::string, std::string>& flags) {
  ConfigSources sources;
  sources.flags = flags;
  sources.environment = environment_.variable;
  sources.user_file = UserConfigFile(environment_.variable);
  sources.system_file = environment_.system_file;
  SHEAF_ASSIGN_OR_RETURN(settings_, ResolveSettings(sources));
  return absl::OkStatus();
}

absl::StatusOr<std::string> Context::ReadToken() const {
  const std::string& path = Setting("token_file");
  if (path.empty()) return std::string();
  if (!IsLocal(Setting("server"))) {
    return UsageError(
        absl::StrCat("the token would cross the network in the clear to ",
                     Setting("server"), ": use a tunnel and a local address"));
  }
  SHEAF_ASSIGN_OR_RETURN(const std::string text, ReadSecret(path));
  const std::string token(absl::StripAsciiWhitespace(text));
  for (const char c : token) {
    if (!absl::ascii_isgraph(c)) {
      return UsageError(absl::StrCat(path, " holds more than one token"));
    }
  }
  return token;
}

absl::StatusOr<Client*> Context::Connect() {
  if (client_ == nullptr) {
    Client::Options options;
    options.server = Setting("server");
    SHEAF_ASSIGN_OR_RETURN(options.timeout, ParseDuration(Setting("timeout")));
    if (options.timeout == absl::ZeroDuration()) {
      return UsageError("--timeout must be longer than 0s");
    }
    SHEAF_ASSIGN_OR_RETURN(options.token, ReadToken());
    client_ = std::make_unique<Client>(std::move(options));
  }
  return client_.get();
}

Printer Context::MakePrinter() {
  Printer::Options options;
  options.format = FormatFromText(Setting("output"));
  options.color = UsesColor(environment_.out_is_terminal);
  options.now = absl::Now();
  return Printer(environment_.out, options);
}

bool Context::IsForPeople() const {
  const Format format = FormatFromText(Setting("output"));
  return format == Format::kTable || format == Format::kWide;
}

bool Context::IsJson() const {
  const Format format = FormatFromText(Setting("output"));
  return format == Format::kJson || format == Format::kJsonl;
}

void Context::Say(const std::string& line) {
  if (!quiet) err() << PrintableLines(line) << std::endl;
}

absl::Status Context::Confirm(const std::string& question) {
  if (assume_yes) return absl::OkStatus();
  if (!environment_.in_is_terminal || !environment_.err_is_terminal) {
    return UsageError(absl::StrCat(
        question,
        " Nothing was done: there is no terminal to ask on, so add --yes"));
  }
  err() << Printable(question) << " [y/N] " << std::flush;
  std::string answer;
  std::getline(*environment_.in, answer);
  const std::string lower = absl::AsciiStrToLower(answer);
  if (lower == "y" || lower == "yes") return absl::OkStatus();
  return absl::CancelledError("nothing was done");
}

const std::string& Context::Setting(const std::string& key) const {
  return settings_.at(key).value;
}

absl::StatusOr<std::string> Context::QueueOrUsual(
    const std::string& name) const {
  return QueueName(name.empty() ? Setting("queue") : name);
}

bool Context::UsesColor(bool is_terminal) const {
  const std::string& color = Setting("color");
  if (color != "auto") return color == "always";
  const auto no_color = environment_.variable("NO_COLOR");
  const auto term = environment_.variable("TERM");
  const bool refused =
      (no_color && !no_color->empty()) || (term && *term == "dumb");
  return is_terminal && !refused;
}

}  // namespace sheaf::cli
