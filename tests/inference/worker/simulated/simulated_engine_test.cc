#include "inference/worker/simulated/simulated_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "inference/engine/image/png.h"
#include "tests/inference/worker/batches.h"

namespace sheaf::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

SimulatedEngineOptions Fast(const std::string& faults = "") {
  SimulatedEngineOptions options;
  options.time_scale = 0;
  options.allow_faults = true;
  options.faults = *ParseFaults(faults);
  return options;
}

// Steps until no row is alive; returns the ends by row. Fails if a row ends
// twice.
std::map<int, RowEnd> RunAll(Engine* engine, const v1::LeasedBatch& batch) {
  std::map<int, RowEnd> ends;
  const int64_t first = engine->Add(batch);
  for (int step = 0; step < 2000; ++step) {
    for (RowEnd& end : engine->Step()) {
      const auto row = static_cast<int>(end.row - first);
      EXPECT_TRUE(ends.emplace(row, end).second) << row;
    }
    if (static_cast<int>(ends.size()) == batch.runs_size()) break;
  }
  return ends;
}

std::string PictureOf(const RunArgs& args) {
  SimulatedEngine engine(Fast());
  return RunAll(&engine, MakeBatch(1, {args})).at(0).png;
}

TEST(SimulatedEngineTest, SameRequestGivesTheSameBytes) {
  EXPECT_EQ(PictureOf({}), PictureOf({}));
}

TEST(SimulatedEngineTest, PromptSeedAndWeightsEachChangeThePicture) {
  const std::set<std::string> pictures = {
      PictureOf({}), PictureOf({.prompt = "a blue fox"}),
      PictureOf({.seed = 2}), PictureOf({.weights = {{"depth", 0.5}}}),
      PictureOf({.weights = {{"canny", 0.5}}})};
  EXPECT_EQ(pictures.size(), 5u);
}

// So that nothing that a run asks for goes by unnoticed.
TEST(SimulatedEngineTest, EveryFieldOfARequestChangesThePicture) {
  const auto drawn = [](const std::function<void(v1::RunRequest*)>& change) {
    v1::LeasedBatch batch = MakeBatch(1, {{}});
    change(batch.mutable_runs(0)->mutable_request());
    SimulatedEngine engine(Fast());
    return RunAll(&engine, batch).at(0).png;
  };
  const std::set<std::string> pictures = {
      drawn([](auto*) {}),
      drawn([](auto* run) { run->add_loras()->set_name("ink"); }),
      drawn([](auto* run) { run->set_vae("soft"); }),
      drawn([](auto* run) { run->set_init_image("artifacts/aa"); }),
      drawn([](auto* run) { run->set_clip_skip(1); }),
      drawn([](auto* run) { run->set_refiner("fine"); }),
      drawn([](auto* run) { (*run->mutable_extra())["scale"] = "2"; }),
      drawn([](auto* run) {
        v1::Control* control = run->add_controls();
        control->set_type("edge");
        control->set_image("artifacts/aa");
      }),
      drawn([](auto* run) {
        v1::Control* control = run->add_controls();
        control->set_type("edge");
        control->set_image("artifacts/bb");
      }),
  };
  EXPECT_EQ(pictures.size(), 9u);
  EXPECT_EQ(drawn([](auto* run) {
              v1::Control* control = run->add_controls();
              control->set_type("edge");
              control->set_weight(0);
            }),
            drawn([](auto*) {}));
}

TEST(SimulatedEngineTest, FaultsOfARunAreRefusedUnlessTheyAreAllowed) {
  SimulatedEngineOptions options = Fast();
  options.allow_faults = false;
  SimulatedEngine engine(options);
  const auto batch = MakeBatch(1, {{}, {.fault = "crash@lease"}});
  engine.Reach(FaultPoint::kLease, batch);
  const auto ends = RunAll(&engine, batch);
  EXPECT_FALSE(ends.at(0).failed());
  EXPECT_EQ(ends.at(1).error_class, v1::ERROR_CLASS_BAD_INPUT);
  EXPECT_THAT(ends.at(1).error_message, HasSubstr("--allow-faults"));
}

TEST(SimulatedEngineTest, BatchOfManyEqualsSingles) {
  std::vector<RunArgs> runs;
  for (int i = 0; i < 5; ++i) {
    runs.push_back({.prompt = fmt::format("fox {}", i), .seed = i + 1});
  }
  SimulatedEngine engine(Fast());
  const auto ends = RunAll(&engine, MakeBatch(7, runs));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ends.at(i).png, PictureOf(runs[i]));
}

TEST(SimulatedEngineTest, GoesOnFromWhereAnotherWasSaved) {
  SimulatedEngine first(Fast());
  v1::LeasedBatch batch = MakeBatch(1, {{.steps = 10}, {.steps = 10}});
  const int64_t row = first.Add(batch) + 1;
  for (int step = 0; step < 7; ++step) first.Step();
  const std::string saved = first.Save(row);

  SimulatedEngine second(Fast());
  batch.mutable_runs(0)->set_checkpoint_step(7);
  batch.mutable_runs(1)->set_checkpoint_step(7);
  second.SetFetchSaved([&](const v1::LeasedBatch&, int row) {
    return row == 1 ? saved : "simulated: 7 of 9 steps";
  });
  const int64_t begun = second.Add(batch);
  EXPECT_EQ(second.StepsOf(begun).step, 0);
  EXPECT_EQ(second.StepsOf(begun + 1).step, 7);
  for (int step = 0; step < 2; ++step) EXPECT_TRUE(second.Step().empty());
  const std::vector<RowEnd> ends = second.Step();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].row, begun + 1);
  EXPECT_EQ(ends[0].png, PictureOf({.steps = 10}));
}

TEST(SimulatedEngineTest, NeighboursControlTypesDoNotShow) {
  EXPECT_EQ(PictureOf({.weights = {{"depth", 0.5}, {"canny", 0}}}),
            PictureOf({.weights = {{"depth", 0.5}}}));
}

TEST(SimulatedEngineTest, PictureIsARealPngThatNamesItsPromptAndSeed) {
  const auto decoded =
      engine::DecodePng(PictureOf({.prompt = "a red fox", .seed = 42}));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->image.width, 64);
  EXPECT_EQ(decoded->image.height, 64);
  EXPECT_THAT(decoded->texts,
              ElementsAre(Pair("engine", "simulated"),
                          Pair("prompt", "a red fox"), Pair("seed", "42")));
}

// The band along the lower edge that holds the word.
std::vector<uint8_t> WordOf(const std::string& png) {
  const engine::Image image = engine::DecodePng(png)->image;
  std::vector<uint8_t> word;
  for (int y = image.height - 7; y < image.height; ++y) {
    for (int x = 0; x < 37; ++x) word.push_back(image.at(x, y, 0));
  }
  return word;
}

TEST(SimulatedEngineTest, APictureSaysThatItIsSimulated) {
  const std::vector<uint8_t> word = WordOf(PictureOf({.prompt = "a fox"}));
  EXPECT_EQ(word, WordOf(PictureOf({.prompt = "a cow"})));
  EXPECT_EQ(std::count(word.begin(), word.end(), 255), 87);
  EXPECT_EQ(std::count(word.begin(), word.end(), 0), 37 * 7 - 87);
}

TEST(SimulatedEngineTest, PictureKeepsItsShapeWithinTheLargestSide) {
  v1::LeasedBatch batch = MakeBatch(1, {{}, {}});
  batch.mutable_runs(0)->mutable_request()->set_width(1024);
  batch.mutable_runs(0)->mutable_request()->set_height(512);
  batch.mutable_runs(1)->mutable_request()->set_width(16);
  batch.mutable_runs(1)->mutable_request()->set_height(24);
  SimulatedEngine engine(Fast());
  const auto ends = RunAll(&engine, batch);
  EXPECT_EQ(engine::DecodePng(ends.at(0).png)->image.width, 64);
  EXPECT_EQ(engine::DecodePng(ends.at(0).png)->image.height, 32);
  EXPECT_EQ(engine::DecodePng(ends.at(1).png)->image.width, 16);
  EXPECT_EQ(engine::DecodePng(ends.at(1).png)->image.height, 24);
}

TEST(SimulatedEngineTest, RowsWithFewerStepsEndEarlier) {
  SimulatedEngineOptions options = Fast();
  options.steps_default = 4;
  options.images = false;
  SimulatedEngine engine(options);
  engine.Add(MakeBatch(1, {{.steps = 2}, {.steps = {}}}));
  EXPECT_TRUE(engine.Step().empty());
  auto ends = engine.Step();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].row, 0);
  EXPECT_FALSE(ends[0].failed());
  EXPECT_EQ(ends[0].png, "");
  EXPECT_TRUE(engine.Step().empty());
  EXPECT_EQ(engine.StepsOf(1).step, 3);
  EXPECT_EQ(engine.StepsOf(1).step_count, 4);
  EXPECT_EQ(engine.Step().size(), 1u);
  EXPECT_TRUE(engine.Step().empty());
}

TEST(SimulatedEngineTest, CancelledRowTouchesNoOther) {
  const std::vector<RunArgs> runs = {{.seed = 1}, {.seed = 2}, {.seed = 3}};
  SimulatedEngine engine(Fast());
  engine.Add(MakeBatch(1, runs));
  engine.Step();
  engine.Cancel(1);
  engine.Step();
  const auto ends = engine.Step();
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[0].png, PictureOf(runs[0]));
  EXPECT_EQ(ends[1].row, 2);
  EXPECT_EQ(ends[1].png, PictureOf(runs[2]));
}

TEST(SimulatedEngineTest, RowsThatJoinStepWithTheOthersAndChangeNone) {
  std::vector<absl::Duration> slept;
  SimulatedEngineOptions options;
  options.sleep = [&](absl::Duration time) { slept.push_back(time); };
  SimulatedEngine engine(options);
  EXPECT_EQ(engine.Add(MakeBatch(1, {{.seed = 1, .steps = 2}})), 0);
  EXPECT_TRUE(engine.Step().empty());
  EXPECT_EQ(engine.Add(MakeBatch(2, {{.seed = 2, .steps = 3}})), 1);
  auto ends = engine.Step();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].row, 0);
  EXPECT_EQ(ends[0].png, PictureOf({.seed = 1, .steps = 2}));
  EXPECT_EQ(engine.StepsOf(1).step, 1);
  engine.Step();
  ends = engine.Step();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].row, 1);
  EXPECT_EQ(ends[0].png, PictureOf({.seed = 2, .steps = 3}));
  EXPECT_THAT(slept,
              ElementsAre(absl::Milliseconds(20), absl::Milliseconds(25),
                          absl::Milliseconds(20), absl::Milliseconds(20)));
  EXPECT_EQ(engine.Add(MakeBatch(3, {{}})), 2);
}

TEST(SimulatedEngineTest, MemoryStartsAnewWhenNoRowIsAlive) {
  SimulatedEngineOptions options = Fast();
  options.row_bytes = 10;
  SimulatedEngine engine(options);
  engine.Add(MakeBatch(1, {{}, {}}));
  engine.Step();
  engine.Add(MakeBatch(2, {{}}));
  engine.Step();
  EXPECT_EQ(engine.Memory().row_count(), 3);
  for (int row = 0; row < 3; ++row) engine.Cancel(row);
  RunAll(&engine, MakeBatch(3, {{}}));
  EXPECT_EQ(engine.Memory().row_count(), 1);
}

TEST(SimulatedEngineTest, TimeGrowsWithRowsAndScale) {
  std::vector<absl::Duration> slept;
  SimulatedEngineOptions options;
  options.time_scale = 2;
  options.sleep = [&](absl::Duration time) { slept.push_back(time); };
  SimulatedEngine engine(options);
  RunAll(&engine, MakeBatch(1, {{.steps = 1}, {.steps = 2}, {.steps = 2}}));
  EXPECT_THAT(slept,
              ElementsAre(absl::Milliseconds(60), absl::Milliseconds(50)));
}

TEST(SimulatedEngineTest, OutOfMemorySplitsTheRowsAndLosesNothing) {
  std::vector<RunArgs> runs;
  for (int i = 0; i < 7; ++i) runs.push_back({.seed = i});
  SimulatedEngineOptions options = Fast("oom@rows>2");
  std::vector<absl::Duration> slept;
  options.time_scale = 1;
  options.sleep = [&](absl::Duration time) { slept.push_back(time); };
  SimulatedEngine engine(options);
  engine.Add(MakeBatch(1, runs));
  engine.Step();
  EXPECT_EQ(engine.group_count(), 4);  // 2 + 2 + 2 + 1
  EXPECT_EQ(slept.size(), 4u);
  for (int i = 0; i < 7; ++i) engine.Cancel(i);
  const auto ends = RunAll(&engine, MakeBatch(1, runs));
  ASSERT_EQ(ends.size(), 7u);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(ends.at(i).png, PictureOf(runs[i]));
}

TEST(SimulatedEngineTest, RowThatDoesNotFitAloneFailsAlone) {
  SimulatedEngine engine(Fast("oom@prompt~elephant"));
  const auto ends = RunAll(
      &engine, MakeBatch(1, {{}, {.prompt = "an elephant"}, {.seed = 3}}));
  EXPECT_FALSE(ends.at(0).failed());
  EXPECT_EQ(ends.at(1).error_class, v1::ERROR_CLASS_OUT_OF_MEMORY);
  EXPECT_FALSE(ends.at(2).failed());
}

TEST(SimulatedEngineTest, RowFaultsFailTheirRowAlone) {
  SimulatedEngine engine(
      Fast("nan@row=1;bad-input@prompt~zebra;fail@row=3,step=2"));
  const auto ends =
      RunAll(&engine, MakeBatch(1, {{}, {}, {.prompt = "zebra"}, {}}));
  EXPECT_FALSE(ends.at(0).failed());
  EXPECT_EQ(ends.at(1).error_class, v1::ERROR_CLASS_ENGINE);
  EXPECT_THAT(ends.at(1).error_message, HasSubstr("NaN at step 1"));
  EXPECT_EQ(ends.at(2).error_class, v1::ERROR_CLASS_BAD_INPUT);
  EXPECT_EQ(ends.at(3).error_class, v1::ERROR_CLASS_TRANSIENT);
}

TEST(SimulatedEngineTest, ExceptionOnOrderIsThrownBeforeAnyRowAdvances) {
  SimulatedEngine engine(Fast("exception@step=3"));
  engine.Add(MakeBatch(1, {{.steps = 3}, {.steps = 9}}));
  engine.Step();
  engine.Step();
  EXPECT_THROW(engine.Step(), std::runtime_error);
  EXPECT_EQ(engine.StepsOf(0).step, 2);
}

TEST(SimulatedEngineTest, RunsOwnFaultStrikesThatRunAlone) {
  SimulatedEngine engine(Fast());
  const auto ends =
      RunAll(&engine, MakeBatch(1, {{}, {.fault = "exception@step=2"}, {}}));
  EXPECT_FALSE(ends.at(0).failed());
  EXPECT_EQ(ends.at(1).error_class, v1::ERROR_CLASS_ENGINE);
  EXPECT_FALSE(ends.at(2).failed());
}

TEST(SimulatedEngineTest, UnreadableFaultOfARunIsItsBadInput) {
  SimulatedEngine engine(Fast());
  const auto ends = RunAll(&engine, MakeBatch(1, {{.fault = "bang"}, {}}));
  EXPECT_EQ(ends.at(0).error_class, v1::ERROR_CLASS_BAD_INPUT);
  EXPECT_THAT(ends.at(0).error_message, HasSubstr("'bang' is not an action"));
  EXPECT_FALSE(ends.at(1).failed());
}

TEST(SimulatedEngineDeathTest, CrashAndExitEndTheProcessWhereAsked) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  SimulatedEngine crash(Fast("crash@step=2"));
  crash.Add(MakeBatch(1, {{}}));
  crash.Step();
  EXPECT_DEATH(crash.Step(), "");
  SimulatedEngine exit(Fast("exit@lease"));
  exit.Reach(FaultPoint::kBeforeFinish, MakeBatch(1, {{}}));
  EXPECT_EXIT(exit.Reach(FaultPoint::kLease, MakeBatch(1, {{}})),
              ::testing::ExitedWithCode(1), "");
  SimulatedEngine own(Fast());
  EXPECT_EXIT(own.Reach(FaultPoint::kAfterFinish,
                        MakeBatch(1, {{.fault = "crash@after-finish"}})),
              ::testing::KilledBySignal(SIGABRT), "");
}

}  // namespace
}  // namespace sheaf::worker
