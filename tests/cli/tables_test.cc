// The tables of queue/ as everybody else shows them: the contract, the command
// line, the docs and the Python client. SHEAF_UPDATE_DOCS=1 writes
// docs/fields.md instead of comparing it.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/retry.h"
#include "base/status.h"
#include "cli/support/run_fields.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/queue_settings.h"
#include "queue/run_fields.h"
#include "queue/run_state.h"
#include "sheaf/v1/job.pb.h"
#include "sheaf/v1/queue_service.pb.h"
#include "sheaf/v1/rules.pb.h"
#include "tests/cli/fake_server.h"
#include "tests/cli/run_cli.h"

namespace sheaf::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using testing::HasSubstr;

std::string ReadSource(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(SHEAF_SOURCE_DIR "/" + path).rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

// The field of that name; null where the contract has none.
const FieldDescriptor* FieldOf(const Descriptor* type, std::string_view name) {
  return type->FindFieldByName(std::string(name));
}

// A text that the flag takes, other than the default: the last of its choices.
std::string SomeText(std::string_view value) {
  if (value == "NUMBER" || value == "PERCENT") return "1";
  if (value == "DURATION") return "7m";
  if (value == "never") return "high";
  const size_t cut = value.rfind('|');
  const std::string_view last =
      cut == value.npos ? value : value.substr(cut + 1);
  if (last == "off" || last == "never" || last == "any")
    return SomeText(value.substr(0, cut));
  return std::string(last);
}

TEST(TablesTest, EveryFieldOfARunIsInTheContractAndHasAFlag) {
  const std::string help = RunCli({"job", "submit", "--help"}).out;
  ForEachRunField([&](const auto& field) {
    const std::string name(field.name);
    EXPECT_NE(FieldOf(v1::RunRequest::descriptor(), name), nullptr) << name;
    EXPECT_THAT(help, HasSubstr(absl::StrCat(ToAbsl(field.flag), " ",
                                             ToAbsl(field.value))))
        << name;
    if constexpr (kIsSingle<std::remove_cvref_t<decltype(RunParams().*
                                                         field.member)>>) {
      v1::RunRequest run;
      const std::string text =
          field.value == "WxH" ? "64" : SomeText(field.value);
      EXPECT_TRUE(SetRunField(name, text, &run).ok())
          << name << " " << text << SetRunField(name, text, &run);
      EXPECT_GT(run.ByteSizeLong(), 0u) << name;
    }
  });
}

TEST(TablesTest, EverySettingOfAQueueIsInTheContractAndHasAFlag) {
  FakeServer server;
  RunOptions options;
  options.variables["SHEAF_SERVER"] = server.address();
  const std::string help = RunCli({"queue", "set", "--help"}).out;
  ForEachQueueSetting([&](const auto& setting) {
    const std::string name(setting.name);
    const auto* field = FieldOf(v1::QueueSettings::descriptor(), name);
    ASSERT_NE(field, nullptr) << name;
    EXPECT_THAT(help, HasSubstr(std::string(setting.flag))) << name;
    const RunResult result =
        RunCli({"queue", "set", "night", std::string(setting.flag),
                SomeText(setting.value)},
               options);
    ASSERT_EQ(result.exit, 0) << result.err;
    const v1::UpdateQueueRequest update = server.last_queue_update();
    ASSERT_EQ(update.update_mask().paths_size(), 1) << name;
    EXPECT_EQ(update.update_mask().paths(0), name);
    EXPECT_TRUE(
        update.settings().GetReflection()->HasField(update.settings(), field))
        << name;
    std::vector<const FieldDescriptor*> set;
    update.settings().GetReflection()->ListFields(update.settings(), &set);
    EXPECT_EQ(set.size(), 1u) << name;
  });
}

TEST(TablesTest, ThePythonClientHasTheFieldsAndTheSettings) {
  const std::string folder = "clients/python/sheaf/_pb/sheaf/v1/";
  const std::string runs = ReadSource(folder + "job_pb2.pyi");
  ForEachRunField([&](const auto& field) {
    EXPECT_THAT(runs,
                HasSubstr(absl::StrCat("    ", ToAbsl(field.name), ": ")));
  });
  const std::string queues = ReadSource(folder + "queue_service_pb2.pyi");
  ForEachQueueSetting([&](const auto& setting) {
    EXPECT_THAT(queues,
                HasSubstr(absl::StrCat("    ", ToAbsl(setting.name), ": ")));
  });
}

TEST(TablesTest, ThePythonClientKnowsWhichStatesAreFinal) {
  const std::string types = ReadSource("clients/python/sheaf/types.py");
  for (const RunStateFacts& facts : kRunStates) {
    const std::string name =
        absl::StrCat("\"JOB_STATE_", ToAbsl(facts.name), "\"");
    EXPECT_EQ(types.find(name) != types.npos, facts.final) << name;
  }
}

TEST(TablesTest, ThePythonClientAsksAgainAfterTheSameAnswers) {
  std::string codes;
  for (const PassingCode& passing : kPassingCodes) {
    if (!passing.clients_retry) continue;
    absl::StrAppend(&codes, codes.empty() ? "" : " ", "\"",
                    ToAbsl(passing.name), "\",");
  }
  EXPECT_THAT(ReadSource("clients/python/sheaf/channel.py"),
              HasSubstr("_RETRYABLE_CODES = (" + codes + ")"));
}

TEST(TablesTest, TheDocsNameTheStates) {
  std::string stored, names;
  for (const RunStateFacts& facts : kRunStates) {
    absl::StrAppend(&stored, stored.empty() ? "" : ", ",
                    static_cast<int>(facts.state), " ", ToAbsl(facts.word));
    absl::StrAppend(&names, " `", ToAbsl(facts.name), "`");
  }
  EXPECT_THAT(
      ReadSource("docs/schema.md"),
      HasSubstr("| `runs.state`, `attempts.outcome` | " + stored + " |"));
  EXPECT_THAT(ReadSource("docs/filters.md"),
              HasSubstr("| `state` | `=` `!=` |" + names + " |"));
}

// docs/fields.md.

std::string Cell(std::string_view text) {
  return absl::StrReplaceAll(ToAbsl(text), {{"|", "\\|"}});
}

std::string Row(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells) absl::StrAppend(&row, " ", cell, " |");
  return row + "\n";
}

// "0 to 100", as the contract says beside the field.
std::string RangeOf(const FieldDescriptor& field) {
  const v1::FieldRules& rules = field.options().GetExtension(v1::rules);
  // They are whole numbers all.
  const auto least = static_cast<int64_t>(rules.gte());
  if (rules.has_lte()) {
    return absl::StrCat(least, " to ", static_cast<int64_t>(rules.lte()));
  }
  return rules.has_gte() ? absl::StrCat("from ", least) : "";
}

std::string_view MeaningOf(InBatch in_batch) {
  switch (in_batch) {
    case InBatch::kHard:
      return "equal";
    case InBatch::kSetting:
      return "may differ, but not in strict batches";
    case InBatch::kRow:
      break;
  }
  return "may differ";
}

std::string RenderRunFields() {
  std::string text = Row({"field", "flag", "value", "in a batch", "is"});
  text += "|---|---|---|---|---|\n";
  ForEachRunField([&](const auto& field) {
    text +=
        Row({absl::StrCat("`", ToAbsl(field.name), "`"),
             absl::StrCat("`", ToAbsl(field.flag), " ", Cell(field.value), "`"),
             RangeOf(*FieldOf(v1::RunRequest::descriptor(), field.name)),
             std::string(MeaningOf(field.in_batch)), Cell(field.help)});
  });
  return text;
}

std::string RenderQueueSettings() {
  std::string text = Row({"setting", "flag", "value", "is"});
  text += "|---|---|---|---|\n";
  ForEachQueueSetting([&](const auto& setting) {
    text += Row(
        {absl::StrCat("`", ToAbsl(setting.name), "`"),
         absl::StrCat("`", ToAbsl(setting.flag), " ", Cell(setting.value), "`"),
         RangeOf(*FieldOf(v1::QueueSettings::descriptor(), setting.name)),
         Cell(setting.help)});
  });
  return text;
}

std::string RenderRunStates() {
  std::string text = Row({"state", "stored as", "final", "may become"});
  text += "|---|---|---|---|\n";
  for (const RunStateFacts& facts : kRunStates) {
    std::string next;
    for (const RunStateFacts& other : kRunStates) {
      if (!MayFollow(facts.state, other.state)) continue;
      absl::StrAppend(&next, next.empty() ? "`" : ", `", ToAbsl(other.name),
                      "`");
    }
    text += Row({absl::StrCat("`", ToAbsl(facts.name), "`"),
                 absl::StrCat(static_cast<int>(facts.state)),
                 facts.final ? "yes" : "no", next});
  }
  return text;
}

std::string Render() {
  return absl::StrCat(
      "# Fields, settings and states\n\n"
      "The tables of `queue/run_fields.h`, `queue/queue_settings.h` and\n"
      "`queue/run_state.h`; a test renders them. `proto/` says more of each\n"
      "field.\n\n"
      "## What a run may ask for\n\n"
      "Each is a field of `RunRequest`, a column of a prompts file and a flag "
      "of\n"
      "`sheaf job submit`. *In a batch* says whether runs that step together "
      "must\n"
      "be equal in it ([batching](batching.md)).\n\n",
      RenderRunFields(),
      "\nUntil 0.3 workers read those from `clip_skip` to `random` from "
      "`extra`\n"
      "too, under the same names, where the field is absent.\n\n"
      "## Settings of a queue\n\n"
      "Each is a field of `QueueSettings`, a path of `UpdateQueue`'s mask, a\n"
      "column of the table `queues` and a flag of `sheaf queue create` and\n"
      "`sheaf queue set`.\n\n",
      RenderQueueSettings(),
      "\n## States of a run\n\n"
      "A job has the state of its runs: running if any runs, else queued,\n"
      "failed, cancelled or succeeded, in this order.\n\n",
      RenderRunStates());
}

TEST(TablesTest, TheDocsShowTheTables) {
  if (std::getenv("SHEAF_UPDATE_DOCS") != nullptr) {
    std::ofstream(SHEAF_SOURCE_DIR "/docs/fields.md") << Render();
  }
  EXPECT_EQ(ReadSource("docs/fields.md"), Render());
}

}  // namespace
}  // namespace sheaf::cli
