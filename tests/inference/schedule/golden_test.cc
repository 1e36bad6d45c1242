// Every scheduler against the numbers of the library it must match.
#include "tests/inference/schedule/golden.h"

#include <algorithm>
#include <cmath>

#include "gtest/gtest.h"

namespace sheaf::engine {
namespace {

class GoldenTest : public testing::TestWithParam<GoldenCase> {};

double Distance(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double distance = std::fabs(double{a[i]} - b[i]);
    if (!(distance <= most)) most = distance;  // NaN, too.
  }
  return most;
}

// One unit in the last place of a timestep, which the reference keeps in single
// precision: at 600 that is 6e-5.
double LastPlace(const GoldenCase& golden, size_t i) {
  const auto timestep = static_cast<float>(golden.timesteps[i]);
  return std::nextafter(timestep, INFINITY) - timestep;
}

// What half a unit of rounding in the clean sample becomes in the next, per
// unit of its size. Next to nothing, but where a step goes far by a slope that
// was taken close to the clean end: there the reference's own rounding shows.
double RoundingOfPrediction(const Program& program) {
  double most = 0;
  for (const Step& step : program.steps) {
    for (const Step::Assignment& update : step.updates) {
      if (update.target != Register::kSample) continue;
      most = std::max(
          most,
          std::fabs(update.terms[static_cast<size_t>(Register::kPrediction)]));
    }
  }
  return std::ldexp(most, -24);
}

std::shared_ptr<const Program> CompileCase(const GoldenCase& golden) {
  const auto config = ReadSchedulerConfig(golden.scheduler(), golden.config);
  EXPECT_TRUE(config.ok()) << config.status();
  if (!config.ok()) return nullptr;
  const auto program = Compile(*config, golden.options());
  EXPECT_TRUE(program.ok()) << program.status();
  return program.ok() ? *program : nullptr;
}

TEST_P(GoldenTest, TimestepsAndLevelsAreTheReferences) {
  const GoldenCase& golden = GetParam();
  const auto program = CompileCase(golden);
  ASSERT_NE(program, nullptr);
  ASSERT_EQ(program->timesteps.size() - program->begin,
            golden.timesteps.size());
  for (size_t i = 0; i < golden.timesteps.size(); ++i) {
    EXPECT_NEAR(program->timesteps[program->begin + i], golden.timesteps[i],
                golden.integer_timesteps ? 0 : 1e-4 + LastPlace(golden, i))
        << i;
  }
  ASSERT_EQ(program->sigmas.size(), golden.sigmas.size());
  for (size_t i = 0; i < golden.sigmas.size(); ++i) {
    EXPECT_NEAR(program->sigmas[i], golden.sigmas[i],
                1e-6 * std::fabs(golden.sigmas[i]))
        << i;
  }
  EXPECT_NEAR(program->init_scale, golden.init_scale, 1e-6 * golden.init_scale);
}

TEST_P(GoldenTest, TheTrajectoryIsTheReferences) {
  const GoldenCase& golden = GetParam();
  const auto program = CompileCase(golden);
  ASSERT_NE(program, nullptr);
  std::vector<float> start = GoldenVector(golden, "start");
  // golden.max_abs leaves out the start, from which a zero-SNR schedule falls
  // by three orders of magnitude in its first call.
  double largest = golden.max_abs;
  for (const float x : start) largest = std::max(largest, std::fabs(double{x}));
  const double tolerance =
      (5e-6 + RoundingOfPrediction(*program)) * largest + 1e-6;
  const size_t size = start.size();
  const std::vector<float> clean = GoldenVector(golden, "clean");
  if (!clean.empty()) {
    const std::vector<float> noise = GoldenVector(golden, "noise0");
    EXPECT_LE(Distance(MakeNoisy(program->renoise[0], clean, noise), start),
              tolerance);
  }
  const auto inputs = GoldenRows(golden, "inputs", size);
  const auto trajectory = GoldenRows(golden, "trajectory", size);
  const auto noises = GoldenRows(golden, "noise", size);
  ASSERT_EQ(program->steps.size(), trajectory.size());
  RowState row(program, std::move(start));
  size_t drawn = 0;
  for (size_t call = 0; call < trajectory.size(); ++call) {
    const std::vector<float> input = row.Input();
    ASSERT_LE(Distance(input, inputs[call]), tolerance) << "input " << call;
    std::vector<float> noise;
    if (row.step().draws_noise) {
      ASSERT_LT(drawn, noises.size()) << "call " << call;
      noise = noises[drawn++];
    }
    row.Advance(ToyModel(input, row.step().timestep), noise);
    ASSERT_LE(Distance(row.sample(), trajectory[call]), tolerance)
        << "call " << call;
  }
  EXPECT_EQ(static_cast<int>(drawn), golden.noises);
}

INSTANTIATE_TEST_SUITE_P(Each, GoldenTest, testing::ValuesIn(GoldenCases()),
                         [](const testing::TestParamInfo<GoldenCase>& info) {
                           return info.param.name + "_" + info.param.class_name;
                         });

}  // namespace
}  // namespace sheaf::engine
