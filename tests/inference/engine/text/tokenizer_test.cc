#include "inference/engine/text/tokenizer.h"

#include <random>

#include "base/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "inference/engine/weights/file.h"
#include "tests/base/temp_folder.h"

namespace sheaf::engine {
namespace {

using testing::HasSubstr;

const std::string kGolden = std::string(SHEAF_SOURCE_DIR) + "/tests/golden/";

ClipTokenizer LoadGolden(const std::string& folder) {
  auto tokenizer = ClipTokenizer::Load(kGolden + "models/" + folder);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *std::move(tokenizer);
}

TEST(ClipTokenizerTest, EveryGoldenPromptGivesTheReferencesIds) {
  const Json cases =
      Json::Parse(ReadFile(kGolden + "tokens.json", 1 << 20).value()).value();
  ASSERT_GT(cases.array()->size(), 50u);
  for (const Json& golden : *cases.array()) {
    const std::string& folder = *golden.Find("tokenizer")->text();
    const std::string& prompt = *golden.Find("prompt")->text();
    std::vector<int64_t> ids;
    for (const Json& id : *golden.Find("ids")->array()) {
      ids.push_back(*id.integer());
    }
    EXPECT_EQ(LoadGolden(folder).Encode(prompt).value(), ids)
        << folder << ": " << prompt;
  }
}

TEST(ClipTokenizerTest, TheSingleFileSaysTheSameAsThePair) {
  const ClipTokenizer pair = LoadGolden("tiny-sd/tokenizer");
  const ClipTokenizer single = LoadGolden("tokenizer-json");
  const Json cases =
      Json::Parse(ReadFile(kGolden + "tokens.json", 1 << 20).value()).value();
  for (const Json& golden : *cases.array()) {
    const std::string& prompt = *golden.Find("prompt")->text();
    EXPECT_EQ(pair.Encode(prompt).value(), single.Encode(prompt).value())
        << prompt;
  }
  EXPECT_EQ(pair.pad_id(), single.pad_id());
  EXPECT_EQ(single.length(), 77);
}

TEST(ClipTokenizerTest, InvalidTextIsRefusedAndAnyValidTextIsNot) {
  const ClipTokenizer tokenizer = LoadGolden("tiny-sd2/tokenizer");
  EXPECT_EQ(tokenizer.Encode("a \xFF b").status().code(),
            absl::StatusCode::kInvalidArgument);
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (unsigned n = random() % 12; n > 0; --n) {
      text += static_cast<char>(random() % 3 == 0 ? random() : random() % 128);
    }
    const auto ids = tokenizer.Encode(text);
    if (!ids.ok()) continue;
    ASSERT_EQ(ids->size(), 77u);
    EXPECT_EQ(ids->front(), tokenizer.begin_id());
  }
}

TEST(ClipTokenizerTest, AnEndlessWordIsCutAndNotWaitedFor) {
  const ClipTokenizer tokenizer = LoadGolden("tiny-sd/tokenizer");
  EXPECT_TRUE(tokenizer.Encode(std::string(1 << 20, 'a')).ok());
  EXPECT_FALSE(tokenizer.Encode(std::string((1 << 20) + 1, 'a')).ok());
}

TEST(ClipTokenizerTest, ALongPromptBecomesChunksWithBeginAndEnd) {
  const ClipTokenizer tokenizer = LoadGolden("tiny-sd/tokenizer");
  std::string prompt;
  for (int i = 0; i < 100; ++i) prompt += "a ";
  const auto tokens = tokenizer.Tokens(prompt).value();
  ASSERT_EQ(tokens.size(), 100u);
  const auto chunks = tokenizer.EncodeLong({{prompt, 1.5f}}, 4).value();
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].ids[0], tokenizer.begin_id());
  EXPECT_EQ(chunks[0].ids[75], tokens[0]);
  EXPECT_EQ(chunks[0].ids[76], tokenizer.end_id());
  EXPECT_EQ(chunks[1].ids[25], tokens[0]);
  EXPECT_EQ(chunks[1].ids[26], tokenizer.end_id());
  EXPECT_EQ(chunks[0].weights[0], 1);
  EXPECT_EQ(chunks[0].weights[75], 1.5f);
  EXPECT_EQ(chunks[1].weights[26], 1);
  EXPECT_EQ(tokenizer.EncodeLong({{prompt}}, 1)->size(), 1u);
  EXPECT_EQ(tokenizer.EncodeLong({{""}}, 4)->front().ids,
            tokenizer.Encode("").value());
  EXPECT_EQ(tokenizer.EncodeLong({{"cat"}, {"dog", 1, true}}, 4)->size(), 2u);
  const WeightedText next = {"", 1, true};
  EXPECT_EQ(tokenizer.EncodeLong({next, next, next, next}, 3)->size(), 3u);
}

TEST(ClipTokenizerTest, BrokenFilesAreRefusedByName) {
  const TempFolder folder;
  EXPECT_EQ(ClipTokenizer::Load(folder.path()).status().code(),
            absl::StatusCode::kNotFound);
  const auto message = [&] {
    return std::string(ClipTokenizer::Load(folder.path()).status().message());
  };
  folder.Write("vocab.json", R"({"a": "one"})");
  folder.Write("merges.txt", "#version\n");
  EXPECT_THAT(message(), HasSubstr("vocab.json: a: no whole number"));
  folder.Write("vocab.json", R"({"a": -1})");
  EXPECT_THAT(message(), HasSubstr("a has the id -1"));
  folder.Write("vocab.json", R"({"a": 1})");
  EXPECT_THAT(message(), HasSubstr("bos_token <|startoftext|> is not in"));
  folder.Write("merges.txt", "#version\na b c\n");
  EXPECT_THAT(message(), HasSubstr("merges.txt:2: not two symbols"));
}

std::string Shown(std::string_view prompt) {
  std::string shown;
  for (const WeightedText& part : ParseEmphasis(prompt)) {
    char weight[32];
    std::snprintf(weight, sizeof(weight), "%.3g", part.weight);
    shown += (part.starts_chunk ? "|" : "") + std::string("<") + part.text +
             ">" + weight;
  }
  return shown;
}

TEST(EmphasisTest, BracketsWeighTheirWords) {
  EXPECT_EQ(Shown("a cat"), "<a cat>1");
  EXPECT_EQ(Shown(""), "");
  EXPECT_EQ(Shown("a (red) cat"), "<a >1<red>1.1< cat>1");
  EXPECT_EQ(Shown("a ((red)) cat"), "<a >1<red>1.21< cat>1");
  EXPECT_EQ(Shown("[dull]"), "<dull>0.909");
  EXPECT_EQ(Shown("(red:1.5), (blue : 0.5 )"), "<red>1.5<, >1<blue >0.5");
  EXPECT_EQ(Shown("(a (b:2) c:0.5)"), "<a >0.5<b>1< c>0.5");
}

TEST(EmphasisTest, BracketsThatDoNotFitAreTextOrEndWithTheText) {
  EXPECT_EQ(Shown("a) b]"), "<a) b]>1");
  EXPECT_EQ(Shown("(a [b"), "<a >1.1<b>1");
  EXPECT_EQ(Shown(R"(\(a\) \\)"), R"(<(a) \>1)");
  EXPECT_EQ(Shown("(a:b)"), "<a:b>1.1");
  EXPECT_EQ(Shown("(a:1.5"), "<a:1.5>1.1");
}

TEST(EmphasisTest, BreakBeginsAChunk) {
  EXPECT_EQ(Shown("a BREAK b"), "<a >1|< b>1");
  EXPECT_EQ(Shown("BREAKING news"), "<BREAKING news>1");
  EXPECT_EQ(Shown("a BREAK (b:2) c"), "<a >1|< >1<b>2< c>1");
}

}  // namespace
}  // namespace sheaf::engine
