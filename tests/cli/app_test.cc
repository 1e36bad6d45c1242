// The tree of commands: what it takes, how it refuses the rest, and what is
// generated from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "cli/commands/completion.h"
#include "cli/commands/man.h"
#include "cli/support/errors.h"
#include "cli/support/tree.h"
#include "tests/cli/run_cli.h"

namespace sheaf::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// No server listens there: a command that gets to the wire exits with 6.
const std::vector<std::string> kNobody = {"--server", "127.0.0.1:1"};

std::vector<std::string> ToNobody(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), kNobody.begin(), kNobody.end());
  return arguments;
}

TEST(AppTest, MisspeltWordsExitTwoWithASuggestion) {
  struct Case {
    std::vector<std::string> arguments;
    const char* error;
  };
  const Case kCases[] = {
      {{"jbo"}, "'sheaf' has no command 'jbo', did you mean 'job'?"},
      {{"job", "lits"}, "'sheaf job' has no command 'lits', did you mean"},
      {{"--server", "job", "queue", "lst"}, "'sheaf queue' has no command"},
      {{"job", "list", "--limti", "3"},
       "unknown option '--limti', did you mean '--limit'?"},
      {{"job", "submit", "--priority", "hihg"}, "did you mean 'high'?"},
      {{"job", "list", "-o", "jsn"}, "did you mean 'json'?"},
      {{"job", "get", "fox"}, "'fox' is no job: write 42 or jobs/42"},
      {{"job", "get"}, "job is required"},
      {{"job", "submit"}, "give a --prompt"},
      {{"job", "cancel"}, "either jobs or a --filter"},
      {{"job", "list", "--limit", "x"}, "--limit"},
      {{"queue", "set", "default"}, "no setting was given"},
      {{"job", "list", "--timeout", "soon"}, "is no duration"},
      {{"job", "list", "--timeout", "0s"}, "longer than 0s"},
      {{"completion", "tcsh"}, "must be one of bash, zsh, fish"},
  };
  for (const Case& test : kCases) {
    const RunResult result = RunCli(test.arguments);
    EXPECT_EQ(result.exit, kExitUsage) << result.err;
    EXPECT_THAT(result.err, HasSubstr(test.error));
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST(AppTest, ErrorsAreJsonWhereTheOutputIs) {
  struct Case {
    std::vector<std::string> arguments;
    int exit;
    const char* code;
  };
  const Case kCases[] = {
      {{"jbo", "-o", "json"}, kExitUsage, "INVALID_ARGUMENT"},
      {{"-o", "jsonl", "job"}, kExitUsage, "INVALID_ARGUMENT"},
      {{"job", "get", "fox", "-o", "json"}, kExitUsage, "INVALID_ARGUMENT"},
      {ToNobody({"job", "get", "7", "-o", "json"}), kExitUnavailable,
       "UNAVAILABLE"},
  };
  for (const Case& test : kCases) {
    const RunResult result = RunCli(test.arguments);
    EXPECT_EQ(result.exit, test.exit);
    const auto error = Json::Parse(result.err);
    ASSERT_TRUE(error.ok()) << result.err;
    EXPECT_EQ(error->Find("exitCode")->integer(), test.exit);
    EXPECT_EQ(*error->Find("code")->text(), test.code);
    EXPECT_FALSE(error->Find("message")->text()->empty());
  }
  const RunResult result =
      RunCli({"jbo"}, {.variables = {{"SHEAF_OUTPUT", "json"}}});
  EXPECT_TRUE(Json::Parse(result.err).ok()) << result.err;
  EXPECT_THAT(RunCli({"job", "list", "-o", "jsn"}).err, HasSubstr("error: "));
}

TEST(AppTest, NounAloneShowsItsVerbsAsAnError) {
  const RunResult result = RunCli({"job"});
  EXPECT_EQ(result.exit, kExitUsage);
  EXPECT_THAT(result.err, AllOf(HasSubstr("submit"), HasSubstr("cancel")));
}

TEST(AppTest, HelpAndVersionAreDataAndNoError) {
  EXPECT_EQ(RunCli({"--help"}).exit, kExitOk);
  EXPECT_THAT(RunCli({"job", "submit", "--help"}).out,
              HasSubstr("--start-deadline"));
  EXPECT_THAT(RunCli({"--version"}).out, HasSubstr("sheaf "));
  EXPECT_THAT(RunCli({"--help"}).out, Not(HasSubstr("__complete")));
}

TEST(AppTest, EveryVerbHasHelp) {
  Context context{Environment()};
  const auto app = MakeApp(&context);
  for (const CLI::App* noun : Shown(*app)) {
    EXPECT_FALSE(noun->get_description().empty()) << noun->get_name();
    for (const CLI::App* verb : Shown(*noun)) {
      EXPECT_FALSE(verb->get_description().empty()) << verb->get_name();
      for (const CLI::Option* option : verb->get_options()) {
        EXPECT_FALSE(option->get_description().empty()) << option->get_name();
      }
    }
  }
}

TEST(AppTest, GlobalFlagsMayStandAnywhere) {
  EXPECT_EQ(RunCli({"--server", "127.0.0.1:1", "job", "list"}).exit,
            kExitUnavailable);
  const RunResult after = RunCli(ToNobody({"job", "list"}));
  EXPECT_EQ(after.exit, kExitUnavailable);
  EXPECT_THAT(after.err, HasSubstr("is sheafd running at 127.0.0.1:1?"));
}

TEST(AppTest, ThingsMayBeNamedLikeCommands) {
  for (const char* name : {"job", "queue", "list", "events"}) {
    EXPECT_EQ(RunCli(ToNobody({"queue", "get", name})).exit, kExitUnavailable)
        << name;
  }
}

TEST(AppTest, PromptsAreTakenAsTheyAre) {
  for (const char* prompt : {"[a, b]", "-x", "--wait", "a,b", "\"q\""}) {
    const RunResult result =
        RunCli(ToNobody({"job", "submit", "--prompt", prompt}));
    EXPECT_EQ(result.exit, kExitUnavailable) << prompt << result.err;
  }
}

TEST(AppTest, DestructionNeedsYesWhereNobodyCanBeAsked) {
  const RunResult refused = RunCli({"job", "delete", "42"});
  EXPECT_EQ(refused.exit, kExitUsage);
  EXPECT_THAT(refused.err, HasSubstr("add --yes"));
  EXPECT_EQ(RunCli({"queue", "delete", "q"}).exit, kExitUsage);
  EXPECT_EQ(RunCli({"admin", "restore", "b", "--data-dir", "d"}).exit,
            kExitUsage);
  EXPECT_EQ(RunCli(ToNobody({"job", "delete", "42", "--yes"})).exit,
            kExitUnavailable);
}

TEST(AppTest, DestructionAsksOnATerminal) {
  RunOptions no{.terminal = true, .input = "n\n"};
  const RunResult declined = RunCli(ToNobody({"job", "delete", "42"}), no);
  EXPECT_EQ(declined.exit, kExitInternal);
  EXPECT_THAT(declined.err, HasSubstr("Delete jobs/42 and its runs? [y/N]"));
  EXPECT_THAT(declined.err, HasSubstr("nothing was done"));
  RunOptions yes{.terminal = true, .input = "y\n"};
  EXPECT_EQ(RunCli(ToNobody({"job", "delete", "42"}), yes).exit,
            kExitUnavailable);
  RunOptions end_of_input{.terminal = true};
  EXPECT_EQ(RunCli(ToNobody({"job", "delete", "42"}), end_of_input).exit,
            kExitInternal);
}

TEST(AppTest, BadPromptsFileSubmitsNothingAndNamesAllLines) {
  RunOptions input{.input = "prompt,seed\na,x\nb,1\nc,y\n"};
  const RunResult result =
      RunCli(ToNobody({"job", "submit", "--file", "-"}), input);
  EXPECT_EQ(result.exit, kExitUsage);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("-:2: seed"), HasSubstr("-:4: seed")));
}

TEST(AppTest, DoctorSaysWhatToDoWithoutAServer) {
  const RunResult result = RunCli(ToNobody({"doctor"}));
  EXPECT_EQ(result.exit, kExitUnavailable);
  EXPECT_THAT(result.out, HasSubstr("-> start sheafd"));
}

TEST(AppTest, ConfigShowSaysWhereEachValueCameFrom) {
  RunOptions options{.variables = {{"SHEAF_SERVER", "unix:/x"}}};
  const RunResult result =
      RunCli({"config", "show", "--origin", "--timeout", "3s"}, options);
  EXPECT_THAT(result.out, HasSubstr("server = \"unix:/x\"  # SHEAF_SERVER"));
  EXPECT_THAT(result.out, HasSubstr("timeout = \"3s\"  # flag --timeout"));
  EXPECT_THAT(result.out, HasSubstr("output = \"table\"  # default"));
}

TEST(AppTest, ColorFollowsTheTerminalAndTheWishes) {
  const auto red = HasSubstr("\033[31m");
  const std::vector<std::string> fails = ToNobody({"job", "list"});
  EXPECT_THAT(RunCli(fails, {.terminal = true}).err, red);
  EXPECT_THAT(RunCli(fails).err, Not(red));
  EXPECT_THAT(
      RunCli(fails, {.variables = {{"NO_COLOR", "1"}}, .terminal = true}).err,
      Not(red));
  EXPECT_THAT(
      RunCli(fails, {.variables = {{"TERM", "dumb"}}, .terminal = true}).err,
      Not(red));
  EXPECT_THAT(RunCli(ToNobody({"job", "list", "--color", "always"})).err, red);
}

TEST(AppTest, TokenFileThatOthersCanReadIsRefused) {
  const std::string path =
      testing::TempDir() + "/sheaf_token." + std::to_string(getpid());
  std::ofstream(path) << "sheaf_1_secret\n";
  using std::filesystem::perms;
  std::filesystem::permissions(path, perms::owner_read | perms::group_read);
  const std::vector<std::string> list =
      ToNobody({"job", "list", "--token-file", path});
  EXPECT_THAT(RunCli(list).err, HasSubstr("other users may read"));
  std::filesystem::permissions(path, perms::owner_read);
  EXPECT_EQ(RunCli(list).exit, kExitUnavailable);
  EXPECT_THAT(RunCli({"job", "list", "--token-file", path, "--server",
                      "example.invalid:7420"})
                  .err,
              HasSubstr("in the clear"));
  std::filesystem::remove(path);
}

// The exit status of a shell command.
int Shell(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class CompletionTest : public testing::Test {
 protected:
  CompletionTest() : context_(Environment()), app_(MakeApp(&context_)) {}

  std::string Write(const std::string& shell) {
    const std::string path = testing::TempDir() + "/sheaf_completion." +
                             std::to_string(getpid()) + "." + shell;
    std::ofstream(path) << CompletionScript(*app_, shell);
    return path;
  }

  Context context_;
  std::unique_ptr<CLI::App> app_;
};

TEST_F(CompletionTest, ScriptsAreGoodShell) {
  EXPECT_EQ(Shell("bash -n " + Write("bash")), 0);
  // Only if the other shells are installed.
  const std::string zsh = Write("zsh");
  EXPECT_EQ(Shell("! command -v zsh >/dev/null || zsh -n " + zsh), 0);
  const std::string fish = Write("fish");
  EXPECT_EQ(Shell("! command -v fish >/dev/null || fish -n " + fish), 0);
}

TEST_F(CompletionTest, BashCompletesVerbsFlagsAndChoices) {
  struct Case {
    const char* words;
    const char* answer;
  };
  const Case kCases[] = {
      {"sheaf qu", "queue"},
      {"sheaf job sub", "submit"},
      {"sheaf --server job queue pa", "pause"},
      {"sheaf job submit --priority ur", "urgent"},
      {"sheaf job submit --start", "--start-deadline"},
      {"sheaf job list --out", "--output"},
      {"sheaf job list -o jsonl", "jsonl"},
      {"sheaf completion z", "zsh"},
  };
  const std::string script = Write("bash");
  for (const Case& test : kCases) {
    EXPECT_EQ(Shell(std::string("bash -c 'source ") + script +
                    "; COMP_WORDS=(" + test.words +
                    "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _sheaf; test "
                    "\"${COMPREPLY[*]}\" = \"" +
                    test.answer + "\"'"),
              0)
        << test.words;
  }
}

TEST_F(CompletionTest, ZshGetsWordsOneByOne) {
  const std::string script = Write("zsh");
  EXPECT_EQ(Shell("! command -v zsh >/dev/null || zsh -fc 'compdef() { :; }; "
                  "compadd() { count=$(($# - 1)); }; source " +
                  script +
                  "; words=(sheaf completion \"\"); CURRENT=3; _sheaf; test "
                  "$count = 3'"),
            0);
}

TEST_F(CompletionTest, ScriptsNeverNameHiddenCommands) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_THAT(CompletionScript(*app_, shell),
                Not(HasSubstr("sheaf:__complete")));
  }
}

TEST_F(CompletionTest, ManualHasAPageForEachNounAndAllExitCodes) {
  const auto pages = ManPages(*app_);
  for (const CLI::App* noun : Shown(*app_)) {
    EXPECT_TRUE(pages.contains("sheaf-" + noun->get_name() + ".1"));
  }
  for (const ExitCodeText& exit : ExitCodes()) {
    EXPECT_THAT(pages.at("sheaf.1"),
                HasSubstr("\\fB" + std::to_string(exit.code) + "\\fR"));
  }
  EXPECT_THAT(pages.at("sheaf-job.1"), HasSubstr("\\-\\-start\\-deadline"));
}

TEST(DocsTest, ThePageOfTheCommandLineHasAllExitCodes) {
  std::stringstream page;
  page << std::ifstream(SHEAF_SOURCE_DIR "/docs/cli.md").rdbuf();
  for (const ExitCodeText& exit : ExitCodes()) {
    EXPECT_THAT(page.str(), HasSubstr("| " + std::to_string(exit.code) + " | " +
                                      exit.text + " |"));
  }
}

}  // namespace
}  // namespace sheaf::cli
