#include "queue/run_fields.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/queue/some_values.h"

namespace sheaf {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(RunFieldsTest, EveryFieldIsNamedOnceAndHasAFlagThatSaysWhatItIsFor) {
  std::set<std::string_view> names;
  ForEachRunField([&](const auto& field) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
    EXPECT_THAT(field.flag, StartsWith("--")) << field.name;
    EXPECT_FALSE(field.value.empty()) << field.name;
    EXPECT_FALSE(field.help.empty()) << field.name;
  });
}

TEST(RunFieldsTest, EveryFieldIsStoredUnderItsName) {
  ForEachRunField([&](const auto& field) {
    const RunParams params = ParamsWith(field.member);
    EXPECT_NE(params, RunParams()) << field.name;
    EXPECT_THAT(Encode(params), HasSubstr(std::string(field.name)));
    EXPECT_EQ(DecodeParams(Encode(params)).value(), params) << field.name;
  });
}

// Whatever is not in the table is lost on the way.
TEST(RunFieldsTest, AllFieldsOfARequestAreInTheTable) {
  RunParams all;
  size_t bytes = 0;
  ForEachRunField([&](const auto& field) {
    SetSome(&(all.*field.member));
    bytes += sizeof(all.*field.member);
  });
  EXPECT_EQ(DecodeParams(Encode(all)).value(), all);
  // Members stand on multiples of eight bytes, the smallest ones closer.
  EXPECT_GE(bytes, sizeof(RunParams) - 8) << "a member has no row";
}

TEST(RunFieldsTest, ARunsOwnValueWinsOverTheSharedOne) {
  ForEachRunField([&](const auto& field) {
    const RunParams some = ParamsWith(field.member);
    EXPECT_EQ(Merge(some, {}), some) << field.name;
    EXPECT_EQ(Merge({}, some), some) << field.name;
    EXPECT_EQ(Common({some, some}), some) << field.name;
    EXPECT_EQ(Common({some, {}}), RunParams()) << field.name;
  });
}

TEST(RunFieldsTest, NewFieldsGoBeforeTheListsInTheStoredForm) {
  // A request_id that was used before an update is still known by this text.
  const RunParams old = {
      .prompt = "p",
      .seed = 1,
      .controls = {{.type = "depth"}},
      .weights = {{"depth", 0.5}},
      .loras = {{"ink", {}}},
      .mask = "ef",
      .strength = 0.5,
      .extra = {{"k", "v"}},
  };
  EXPECT_EQ(Encode(old),
            R"({"prompt":"p","seed":1,"mask":"ef","strength":0.5,)"
            R"("controls":[{"type":"depth"}],"weights":{"depth":0.5},)"
            R"("loras":[{"name":"ink"}],"extra":{"k":"v"}})");
}

TEST(RunFieldsTest, FormerKeysOfExtraBindNoBatch) {
  ForEachRunField([&](const auto& field) {
    EXPECT_EQ(BindsBatch(field.name), field.trait != FieldTrait::kWasExtra)
        << field.name;
  });
  EXPECT_TRUE(BindsBatch("scale"));
  EXPECT_FALSE(BindsBatch("sim.fault"));
}

}  // namespace
}  // namespace sheaf
