#include "inference/engine/weights/config.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/temp_folder.h"

namespace sheaf::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Config Of(std::string_view text) {
  return Config::Parse(text, "unet/config.json").value();
}

TEST(ConfigTest, NullMeansAbsent) {
  const Config config = Of(R"({"a": null, "b": 3})");
  Config::Reader reader(config);
  EXPECT_EQ(reader.Int("a", 7), 7);
  EXPECT_EQ(reader.Int("b", 7), 3);
  EXPECT_EQ(reader.Int("c", 7), 7);
  EXPECT_EQ(reader.OptionalInt("a"), std::nullopt);
  EXPECT_EQ(reader.OptionalInt("b"), 3);
  EXPECT_FALSE(config.Has("a"));
  EXPECT_TRUE(reader.status().ok());
}

TEST(ConfigTest, WholeNumbersMayBeWrittenAsDecimals) {
  const Config config = Of(R"({"a": 1000.0, "b": 2})");
  Config::Reader reader(config);
  EXPECT_EQ(reader.Int("a", 0), 1000);
  EXPECT_EQ(reader.Double("b", 0), 2.0);
  EXPECT_TRUE(reader.status().ok());
}

TEST(ConfigTest, AWrongTypeNamesFileAndKeyAndTheFirstStays) {
  const Config config = Of(R"({"act_fn": 5, "in_channels": "four"})");
  Config::Reader reader(config);
  EXPECT_EQ(reader.Int("in_channels", 4), 4);
  EXPECT_EQ(reader.Text("act_fn", "silu"), "silu");
  EXPECT_THAT(std::string(reader.status().message()),
              HasSubstr("unet/config.json: in_channels is not a whole number"));
}

TEST(ConfigTest, OneValueStandsForAListOfIt) {
  const Config config =
      Of(R"({"one": 8, "many": [5, 10, 20], "flags": [true, false]})");
  Config::Reader reader(config);
  EXPECT_THAT(reader.IntForEach("one", 3, 0), ElementsAre(8, 8, 8));
  EXPECT_THAT(reader.IntForEach("many", 3, 0), ElementsAre(5, 10, 20));
  EXPECT_THAT(reader.IntForEach("none", 2, 4), ElementsAre(4, 4));
  EXPECT_THAT(reader.BoolForEach("flags", 2, false), ElementsAre(true, false));
  EXPECT_THAT(reader.Ints("one", {}), ElementsAre(8));
  EXPECT_TRUE(reader.status().ok());
  reader.IntForEach("many", 4, 0);
  EXPECT_THAT(std::string(reader.status().message()),
              HasSubstr("many has 3 elements, not 4"));
}

TEST(ConfigTest, AChoiceListsWhatIsAllowed) {
  const Config config = Of(R"({"kind": "gelu"})");
  Config::Reader reader(config);
  EXPECT_EQ(reader.Choice("kind", "silu", {"silu", "gelu"}), "gelu");
  EXPECT_TRUE(reader.status().ok());
  reader.Choice("kind", "silu", {"silu", "mish"});
  EXPECT_THAT(std::string(reader.status().message()),
              HasSubstr("kind is gelu, not one of: silu, mish"));
}

TEST(ConfigTest, OneLaidOverAnotherHidesItsKeysEvenWithNull) {
  const Config below = Of(R"({"a": 1, "b": 2, "c": 3})");
  const Config above = Of(R"({"a": 10, "b": null})");
  const Config both = below.With(above);
  Config::Reader reader(both);
  EXPECT_EQ(reader.Int("a", 0), 10);
  EXPECT_EQ(reader.Int("b", 0), 0);
  EXPECT_EQ(reader.Int("c", 0), 3);
  const Config three = Of(R"({"d": 4})").With(both);
  EXPECT_EQ(*three.Find("d")->integer(), 4);
  EXPECT_EQ(*three.Find("c")->integer(), 3);
}

TEST(ConfigTest, PythonsInfinitiesMeanAbsentAndTextsKeepThem) {
  const Config config =
      Of(R"({"a": -Infinity, "b": [NaN], "c": "NaN \" Infinity", "d": 1})");
  EXPECT_FALSE(config.Has("a"));
  EXPECT_TRUE((*config.Find("b")->array())[0].is_null());
  EXPECT_EQ(*config.Find("c")->text(), "NaN \" Infinity");
  EXPECT_EQ(*config.Find("d")->integer(), 1);
}

TEST(ConfigTest, WhatIsNoObjectIsRefusedWithItsPath) {
  const TempFolder folder;
  const std::string path = folder.Write("config.json", "[1]");
  EXPECT_THAT(std::string(Config::Read(path).status().message()),
              HasSubstr(path + ": not a JSON object"));
  EXPECT_EQ(Config::Read(folder.path() + "/none").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sheaf::engine
