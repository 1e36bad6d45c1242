#include "cli/support/prompts_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace sheaf::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

absl::StatusOr<std::vector<v1::RunRequest>> Csv(std::string_view text) {
  return ParsePrompts("p.csv", PromptsFormat::kCsv, text);
}

absl::StatusOr<std::vector<v1::RunRequest>> JsonLines(std::string_view text) {
  return ParsePrompts("p.jsonl", PromptsFormat::kJsonLines, text);
}

std::string ErrorOf(const absl::StatusOr<std::vector<v1::RunRequest>>& result) {
  return std::string(result.status().message());
}

TEST(PromptsFileTest, CsvColumnsAreFieldsOfTheRun) {
  const auto runs = Csv(
      "prompt,negative,seed,size,guidance,weights.depth,extra.note,control\n"
      "a fox,blurry,7,512x768,7.5,0.5,hello,pose:0.25\n");
  ASSERT_TRUE(runs.ok()) << runs.status();
  ASSERT_EQ(runs->size(), 1u);
  const v1::RunRequest& run = runs->front();
  EXPECT_EQ(run.prompt(), "a fox");
  EXPECT_EQ(run.negative_prompt(), "blurry");
  EXPECT_EQ(run.seed(), 7);
  EXPECT_EQ(run.width(), 512);
  EXPECT_EQ(run.height(), 768);
  EXPECT_EQ(run.guidance(), 7.5);
  EXPECT_EQ(run.weights().at("depth"), 0.5);
  EXPECT_EQ(run.extra().at("note"), "hello");
  EXPECT_EQ(run.controls(0).type(), "pose");
  EXPECT_EQ(run.controls(0).weight(), 0.25);
}

TEST(PromptsFileTest, CsvCellsMayBeQuotedAndHoldAnything) {
  const auto runs =
      Csv("prompt,seed\r\n\"a \"\"red\"\" fox,\r\nat night\",1\r\nplain,2\r\n");
  ASSERT_TRUE(runs.ok()) << runs.status();
  ASSERT_EQ(runs->size(), 2u);
  EXPECT_EQ((*runs)[0].prompt(), "a \"red\" fox,\r\nat night");
  EXPECT_EQ((*runs)[1].prompt(), "plain");
  EXPECT_EQ((*runs)[1].seed(), 2);
}

TEST(PromptsFileTest, ByteOrderMarkEmptyLinesAndMissingLastBreakAreTaken) {
  const auto runs = Csv("\xef\xbb\xbfprompt\r\n\r\nein Fuchs\r\n\r\nzwei");
  ASSERT_TRUE(runs.ok()) << runs.status();
  ASSERT_EQ(runs->size(), 2u);
  EXPECT_EQ((*runs)[1].prompt(), "zwei");
}

TEST(PromptsFileTest, EmptyCellLeavesItsFieldUnset) {
  const auto runs = Csv("prompt,seed\nfox,\n");
  ASSERT_TRUE(runs.ok()) << runs.status();
  EXPECT_FALSE(runs->front().has_seed());
}

TEST(PromptsFileTest, JsonLinesAreRunRequests) {
  const auto runs = JsonLines(
      "{\"prompt\": \"a fox\", \"seed\": \"7\", \"weights\": {\"depth\": 0.5}}"
      "\r\n\n\"just a prompt\"\n{\"negative_prompt\": \"x\"}\n");
  ASSERT_TRUE(runs.ok()) << runs.status();
  ASSERT_EQ(runs->size(), 3u);
  EXPECT_EQ((*runs)[0].seed(), 7);
  EXPECT_EQ((*runs)[0].weights().at("depth"), 0.5);
  EXPECT_EQ((*runs)[1].prompt(), "just a prompt");
  EXPECT_EQ((*runs)[2].negative_prompt(), "x");
}

TEST(PromptsFileTest, ListsOfEditsNameTheirFieldsInTheirOwnWay) {
  const auto csv =
      Csv("input_images,instruction,seed\n"
          "cat.png,make it red,7\n"
          "\" dog.png ; \",make it blue,8\n");
  ASSERT_TRUE(csv.ok()) << csv.status();
  ASSERT_EQ(csv->size(), 2u);
  EXPECT_EQ((*csv)[0].init_image(), "cat.png");
  EXPECT_EQ((*csv)[0].prompt(), "make it red");
  EXPECT_EQ((*csv)[1].init_image(), "dog.png");
  EXPECT_EQ((*csv)[1].seed(), 8);
  const auto json = JsonLines(
      R"({"input_images": ["cat.png"], "instruction": "a", "seed": 7})"
      "\n"
      R"({"input_image": "dog.png", "instruction": "b", "guidance": 0.1})"
      "\n"
      R"({"prompt": "c", "seed": 9223372036854775807})");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)[0].init_image(), "cat.png");
  EXPECT_EQ((*json)[0].prompt(), "a");
  EXPECT_EQ((*json)[0].seed(), 7);
  EXPECT_EQ((*json)[1].init_image(), "dog.png");
  EXPECT_EQ((*json)[1].guidance(), 0.1);
  EXPECT_EQ((*json)[2].seed(), 9223372036854775807);
}

TEST(PromptsFileTest, SeveralInputPicturesAreForModelsThatTakeSeveral) {
  const auto csv = Csv("input_images,instruction\na.png;b.png,x\na|b|c,y\n");
  ASSERT_TRUE(csv.ok()) << csv.status();
  EXPECT_THAT((*csv)[0].images(), ElementsAre("a.png", "b.png"));
  EXPECT_FALSE((*csv)[0].has_init_image());
  EXPECT_THAT((*csv)[1].images(), ElementsAre("a", "b", "c"));
  const auto json = JsonLines(R"({"input_images": ["a", "b"], "seed": 3})");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_THAT((*json)[0].images(), ElementsAre("a", "b"));
  EXPECT_EQ((*json)[0].seed(), 3);
}

TEST(PromptsFileTest, WhatIsNoPictureOrNamedTwiceIsRefused) {
  EXPECT_THAT(ErrorOf(JsonLines(R"({"input_images": 3})")),
              HasSubstr("must be a text"));
  EXPECT_THAT(ErrorOf(Csv("prompt,instruction\na,b\n")),
              HasSubstr("column 'prompt' twice"));
  EXPECT_THAT(ErrorOf(JsonLines(R"({"prompt": "a", "instruction": "b"})")),
              HasSubstr("'prompt' twice"));
}

TEST(PromptsFileTest, EveryBadLineIsNamedWithItsNumber) {
  EXPECT_THAT(ErrorOf(Csv("prompt,seed\nfox,x\nfine,1\n\"two\nlines\",y\n")),
              AllOf(HasSubstr("p.csv:2: seed must be a whole number"),
                    HasSubstr("p.csv:4: seed"), Not(HasSubstr("p.csv:3"))));
  EXPECT_THAT(ErrorOf(JsonLines(
                  "{\"prompt\": 1}\n{\"prompt\": \"ok\"}\n{\"x\": 1}\n[")),
              AllOf(HasSubstr("p.jsonl:1: "), HasSubstr("p.jsonl:3: "),
                    HasSubstr("p.jsonl:4: "), Not(HasSubstr("p.jsonl:2: "))));
}

struct BadFile {
  const char* name;
  std::string text;
  const char* error;
};

class BadCsvTest : public testing::TestWithParam<BadFile> {};

TEST_P(BadCsvTest, IsRefusedWithAReason) {
  EXPECT_THAT(ErrorOf(Csv(GetParam().text)), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadCsvTest,
    testing::Values(
        BadFile{"Empty", "", "holds no runs"},
        BadFile{"OnlyHeader", "prompt\n", "holds no runs"},
        BadFile{"UnknownColumn", "promt\nx\n", "did you mean 'prompt'?"},
        BadFile{"ColumnTwice", "seed,seed\n1,2\n", "column 'seed' twice"},
        BadFile{"EmptyColumn", "prompt,,\nx,,\n", "p.csv:1: unknown field ''"},
        BadFile{"TooFewCells", "prompt,seed\nx\n", "1 cells under 2 columns"},
        BadFile{"TooManyCells", "prompt\nx,y\n", "2 cells under 1 columns"},
        BadFile{"OpenQuote", "prompt\n\"x\n", "no closing quote"},
        BadFile{"StrayQuote", "prompt\na \"b\" c\n", "a quote inside a cell"},
        BadFile{"TextAfterQuote", "prompt\n\"a\" b\n", "after the closing"},
        BadFile{"NotUtf8", "prompt\nfine\n\xff\n", "p.csv:3: not UTF-8"},
        BadFile{"Overlong", "prompt\n\xc0\xaf\n", "p.csv:2: not UTF-8"},
        BadFile{"Nul", std::string("prompt\na\0b\n", 11), "NUL"},
        BadFile{"BadNumber", "guidance\nnan\n", "must be a number"},
        BadFile{"BigNumber", "steps\n99999999999\n", "whole number"},
        BadFile{"BadSize", "size\n512\n", "512x768"},
        BadFile{"BareWeights", "weights.\n1\n", "unknown field"},
        BadFile{"RepeatedField", "controls\nx\n", "unknown field"}),
    [](const auto& info) { return info.param.name; });

TEST(PromptsFileTest, TooManyRunsAreRefused) {
  std::string text = "seed\n";
  for (size_t i = 0; i <= kPromptsRunsMax; ++i) text += "1\n";
  EXPECT_THAT(ErrorOf(Csv(text)), HasSubstr("more than 100000 runs"));
}

TEST(PromptsFileTest, FormatGoesByNameAndForStandardInputByBeginning) {
  EXPECT_EQ(GuessPromptsFormat("a.CSV", "{"), PromptsFormat::kCsv);
  EXPECT_EQ(GuessPromptsFormat("a.txt", "prompt"), PromptsFormat::kJsonLines);
  EXPECT_EQ(GuessPromptsFormat("-", " {\"prompt\":"),
            PromptsFormat::kJsonLines);
  EXPECT_EQ(GuessPromptsFormat("-", "prompt,seed\n"), PromptsFormat::kCsv);
  EXPECT_EQ(GuessPromptsFormat("-", "\"prompt\",\"seed\"\n"),
            PromptsFormat::kCsv);
}

// A small fuzzer that runs with every build: any bytes end in runs or errors.
TEST(PromptsFileTest, AnyBytesEndInRunsOrInAnError) {
  const uint32_t seed = 20270131;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::string alphabet = "prompt,seed\"\r\n{}[]:0x\xc3\xa4\xff\\ -.";
  for (int round = 0; round < 2000; ++round) {
    std::string text = round % 2 == 0 ? "prompt,seed\n" : "";
    for (size_t i = random() % 60; i > 0; --i) {
      text += alphabet[random() % alphabet.size()];
    }
    for (const auto& runs : {Csv(text), JsonLines(text)}) {
      EXPECT_EQ(runs.ok(), ErrorOf(runs).empty()) << text;
    }
  }
}

}  // namespace
}  // namespace sheaf::cli
