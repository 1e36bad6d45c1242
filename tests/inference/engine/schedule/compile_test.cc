#include "inference/engine/schedule/compile.h"

#include <cmath>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "inference/engine/schedule/executor.h"
#include "inference/engine/schedule/noise_levels.h"

namespace sheaf::engine {
namespace {

using testing::HasSubstr;

SchedulerConfig Read(SchedulerClass scheduler, std::string_view text = "{}") {
  const Config config = Config::Parse(text, "scheduler_config.json").value();
  const auto read = ReadSchedulerConfig(scheduler, config);
  EXPECT_TRUE(read.ok()) << read.status();
  return read.value();
}

std::string MessageOf(const absl::Status& status) {
  return std::string(status.message());
}

std::vector<SchedulerClass> AllClasses() {
  std::vector<SchedulerClass> classes;
  for (int i = 0; i < kSchedulerClassCount; ++i) {
    classes.push_back(static_cast<SchedulerClass>(i));
  }
  return classes;
}

TEST(SchedulerConfigTest, EveryClassIsFoundByItsName) {
  for (const SchedulerClass scheduler : AllClasses()) {
    EXPECT_EQ(SchedulerClassNamed(NameOf(scheduler)), scheduler);
  }
  EXPECT_EQ(SchedulerClassNamed("RePaintScheduler"), std::nullopt);
}

TEST(SchedulerConfigTest, WhatHasNoMeaningIsRefusedByKey) {
  const auto message = [](SchedulerClass scheduler, std::string_view text) {
    const Config config = Config::Parse(text, "x.json").value();
    return MessageOf(ReadSchedulerConfig(scheduler, config).status());
  };
  EXPECT_THAT(
      message(SchedulerClass::kEuler,
              R"({"use_karras_sigmas": true, "use_beta_sigmas": true})"),
      HasSubstr("x.json: use_karras_sigmas"));
  EXPECT_THAT(message(SchedulerClass::kDdim, R"({"beta_schedule": "cubic"})"),
              HasSubstr("beta_schedule is cubic"));
  EXPECT_THAT(message(SchedulerClass::kDpmSolverMultistep,
                      R"({"algorithm_type": "dpmsolver"})"),
              HasSubstr("final_sigmas_type is zero"));
  EXPECT_THAT(message(SchedulerClass::kUniPc, R"({"use_flow_sigmas": true})"),
              HasSubstr("use_flow_sigmas is true"));
  EXPECT_THAT(message(SchedulerClass::kUniPc, R"({"solver_order": 9})"),
              HasSubstr("solver_order is more than 3"));
}

TEST(CompileTest, OptionsThatHaveNoMeaningAreRefused) {
  const SchedulerConfig config = Read(SchedulerClass::kEuler);
  EXPECT_FALSE(Compile(config, {.steps = 0}).ok());
  EXPECT_FALSE(Compile(config, {.steps = 1001}).ok());
  EXPECT_FALSE(Compile(config, {.steps = 5, .begin = 5}).ok());
  EXPECT_FALSE(Compile(config, {.steps = 5, .begin = -1}).ok());
  EXPECT_FALSE(Compile(config, {.steps = 5, .eta = 1.5}).ok());
  EXPECT_FALSE(Compile(Read(SchedulerClass::kLcm), {.steps = 51}).ok());
  EXPECT_TRUE(Compile(config, {.steps = 5, .begin = 4}).ok());
}

// A curve's first timestep is cut to a whole number: one bit of the betas
// decides between this and 998.
TEST(CompileTest, ACurveBeginsWithTheNoisiestTimestep) {
  const SchedulerConfig config =
      Read(SchedulerClass::kDpmSolverSinglestep,
           R"({"use_exponential_sigmas": true, "solver_order": 1})");
  EXPECT_EQ(Compile(config, {.steps = 1}).value()->timesteps.front(), 999);
  EXPECT_EQ(Compile(config, {.steps = 15}).value()->timesteps.front(), 999);
}

TEST(CompileTest, SaSolverMakesPicturesNoisyByWholeTimesteps) {
  const SchedulerConfig config =
      Read(SchedulerClass::kSaSolver, R"({"use_exponential_sigmas": true})");
  const auto program = Compile(config, {.steps = 9, .begin = 4}).value();
  const auto timestep = static_cast<size_t>(program->timesteps[4]);
  const TrainLevels levels = MakeTrainLevels(config, true).value();
  const double alpha = levels.alphas_cumulative[timestep];
  EXPECT_NEAR(program->renoise[0].sample, std::sqrt(alpha), 1e-6);
  EXPECT_NEAR(program->renoise[0].noise, std::sqrt(1 - alpha), 1e-6);
}

TEST(CompileTest, AProgramThatWouldDivideByZeroIsRefused) {
  // The reference's UniPC with bh1 and a clean end gives NaN, too.
  EXPECT_THAT(MessageOf(Compile(Read(SchedulerClass::kUniPc,
                                     R"({"solver_type": "bh1"})"),
                                {.steps = 5})
                            .status()),
              HasSubstr("divides by zero"));
  EXPECT_FALSE(Compile(Read(SchedulerClass::kDdim,
                            R"({"rescale_betas_zero_snr": true,
                                "timestep_spacing": "trailing"})"),
                       {.steps = 5})
                   .ok());
}

TEST(CompileTest, ListedTimestepsReplaceTheSpacing) {
  CompileOptions options;
  options.timesteps = {999, 850, 736, 645, 545, 455, 343, 233, 124, 24};
  for (const SchedulerClass scheduler :
       {SchedulerClass::kEuler, SchedulerClass::kDpmSolverMultistep,
        SchedulerClass::kDdpm}) {
    const auto program = Compile(Read(scheduler), options);
    ASSERT_TRUE(program.ok()) << program.status();
    EXPECT_EQ((*program)->timesteps, options.timesteps);
  }
  EXPECT_FALSE(Compile(Read(SchedulerClass::kPndm), options).ok());
  options.timesteps = {10, 20};
  EXPECT_FALSE(Compile(Read(SchedulerClass::kEuler), options).ok());
}

// With a model that knows the clean sample, every schedule reaches it.
TEST(CompileTest, EveryClassReachesTheCleanSampleOfAPerfectModel) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> clean(16);
  for (float& x : clean) x = 0.3f * normal(random);
  for (const SchedulerClass scheduler : AllClasses()) {
    for (const int steps : {4, 11, 30}) {
      const auto program =
          Compile(Read(scheduler, R"({"prediction_type": "sample",
                              "skip_prk_steps": true, "clip_sample": false,
                              "beta_schedule": "scaled_linear",
                              "timestep_spacing": "trailing",
                              "beta_start": 0.00085, "beta_end": 0.012})"),
                  {.steps = steps});
      // These schedulers have no such prediction.
      if (scheduler == SchedulerClass::kPndm) continue;
      if (scheduler == SchedulerClass::kEdmEuler ||
          scheduler == SchedulerClass::kEdmDpmSolverMultistep) {
        continue;
      }
      ASSERT_TRUE(program.ok()) << program.status();
      std::vector<float> start(clean.size());
      for (float& x : start) {
        x = static_cast<float>((*program)->init_scale) * normal(random);
      }
      RowState row(*program, start);
      std::vector<float> noise(clean.size());
      while (!row.done()) {
        for (float& x : noise) x = normal(random);
        row.Advance(clean, noise);
      }
      for (size_t i = 0; i < clean.size(); ++i) {
        // Some schedulers end a level above clean: DDIM and PNDM at the first
        // training step, DEIS and SA-Solver at the smallest level.
        EXPECT_NEAR(row.sample()[i], clean[i], 0.2)
            << NameOf(scheduler) << " " << steps;
      }
    }
  }
}

// DPM++ SDE has no reference numbers, because its Brownian tree is not
// reproducible. With a model that always answers "clean is 0", the sample's
// spread after each step is that step's level.
TEST(CompileTest, DpmSdeKeepsTheSpreadOfItsLevels) {
  const auto program = Compile(
      Read(SchedulerClass::kDpmSolverSde, R"({"prediction_type": "sample"})"),
      {.steps = 6});
  ASSERT_TRUE(program.ok()) << program.status();
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> sample(40000);
  for (float& x : sample) {
    x = static_cast<float>((*program)->sigmas[0]) * normal(random);
  }
  const std::vector<float> nothing(sample.size(), 0.0f);
  RowState row(*program, sample);
  for (size_t call = 0; !row.done(); ++call) {
    std::vector<float> noise(sample.size());
    for (float& x : noise) x = normal(random);
    row.Advance(nothing, noise);
    if (call % 2 == 0) continue;  // This is the middle of a step.
    double square = 0;
    for (const float x : row.sample()) square += double{x} * x;
    const double spread = std::sqrt(square / sample.size());
    const double level = (*program)->sigmas[call];
    EXPECT_NEAR(spread, level, 0.02 * level) << call;
  }
}

TEST(CompileTest, NoiseIsDrawnByThoseThatNeedItOnly) {
  const auto draws = [](SchedulerClass scheduler, CompileOptions options) {
    const auto program =
        Compile(Read(scheduler, R"({"skip_prk_steps": true})"), options);
    int count = 0;
    for (const Step& step : (*program)->steps) count += step.draws_noise;
    return count;
  };
  EXPECT_EQ(draws(SchedulerClass::kEuler, {.steps = 5}), 0);
  EXPECT_EQ(draws(SchedulerClass::kEulerAncestral, {.steps = 5}), 5);
  EXPECT_EQ(draws(SchedulerClass::kDdim, {.steps = 5}), 0);
  EXPECT_EQ(draws(SchedulerClass::kDdim, {.steps = 5, .eta = 0.5}), 5);
  EXPECT_EQ(draws(SchedulerClass::kLcm, {.steps = 5}), 4);
  EXPECT_EQ(draws(SchedulerClass::kKdpm2Ancestral, {.steps = 5}), 4);
  EXPECT_EQ(draws(SchedulerClass::kDpmSolverSde, {.steps = 5}), 8);
}

TEST(CompileTest, ALateBeginIsTheTailOfTheSchedule) {
  for (const SchedulerClass scheduler : AllClasses()) {
    const SchedulerConfig config =
        Read(scheduler, R"({"skip_prk_steps": true})");
    const auto whole = Compile(config, {.steps = 10});
    const int per_step = (*whole)->calls_per_step;
    const auto tail = Compile(config, {.steps = 10, .begin = 4 * per_step});
    ASSERT_TRUE(tail.ok()) << tail.status();
    EXPECT_EQ((*tail)->timesteps, (*whole)->timesteps);
    EXPECT_EQ((*tail)->steps.size() + 4 * per_step, (*whole)->steps.size());
    EXPECT_EQ((*tail)->steps[0].timestep,
              (*whole)->steps[4 * per_step].timestep);
    EXPECT_GE((*tail)->renoise.size(), (*tail)->steps.size() + 1);
  }
}

TEST(NoiseLevelsTest, TheBetaQuantileInvertsKnownValues) {
  EXPECT_NEAR(BetaQuantile(0.5, 0.6, 0.6), 0.5, 1e-14);
  // I_x(1, 1) = x; I_x(1, b) = 1 - (1 - x)^b; the arcsine law for 1/2, 1/2.
  EXPECT_NEAR(BetaQuantile(0.3, 1, 1), 0.3, 1e-14);
  EXPECT_NEAR(BetaQuantile(0.3, 1, 0.5), 1 - 0.7 * 0.7, 1e-14);
  const double quarter = std::sin(std::acos(-1.0) / 8);
  EXPECT_NEAR(BetaQuantile(0.25, 0.5, 0.5), quarter * quarter, 1e-14);
  EXPECT_EQ(BetaQuantile(0, 0.6, 0.6), 0);
  EXPECT_EQ(BetaQuantile(1, 0.6, 0.6), 1);
  EXPECT_NEAR(BetaQuantile(1e-9, 0.5, 0.5), 2.4674011e-18, 1e-24);
}

TEST(ExecutorTest, ThresholdingUsesTheRowsQuantile) {
  std::vector<float> values = {0, 1, -2, 3, -4};
  ApplyPost({.kind = PostOp::Kind::kThreshold, .limit = 100, .ratio = 0.625},
            &values);
  // The 0.625 quantile of 0..4 lies at rank 2.5.
  EXPECT_THAT(values, testing::ElementsAre(0, 0.4f, -0.8f, 1, -1));
  ApplyPost({.kind = PostOp::Kind::kClamp, .limit = 0.5}, &values);
  EXPECT_THAT(values, testing::ElementsAre(0, 0.4f, -0.5f, 0.5f, -0.5f));
}

}  // namespace
}  // namespace sheaf::engine
