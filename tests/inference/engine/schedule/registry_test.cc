#include "inference/engine/schedule/registry.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "inference/engine/schedule/compile.h"

namespace sheaf::engine {
namespace {

using testing::HasSubstr;

Config Of(std::string_view text) {
  return Config::Parse(text, "scheduler_config.json").value();
}

const Config& Model() {
  static const auto* model = new Config(Of(
      R"({"_class_name": "PNDMScheduler", "beta_start": 0.00085,
          "beta_end": 0.012, "beta_schedule": "scaled_linear",
          "skip_prk_steps": true, "steps_offset": 1, "clip_sample": false,
          "set_alpha_to_one": false, "trained_betas": null})"));
  return *model;
}

SchedulerConfig Resolve(std::string_view name,
                        std::string_view overrides = "{}") {
  const auto config = ResolveScheduler(name, Model(), Of(overrides));
  EXPECT_TRUE(config.ok()) << config.status();
  return config.value();
}

TEST(SchedulerNamesTest, EveryNameCompilesOverAModelOfTheLibrary) {
  for (const SchedulerName& known : SchedulerNames()) {
    for (const char* ending : {"", " Karras", " Exponential", " Beta"}) {
      const std::string name = std::string(known.name) + ending;
      const auto program = Compile(Resolve(name), {.steps = 8});
      EXPECT_TRUE(program.ok()) << name << ": " << program.status();
    }
  }
}

TEST(SchedulerNamesTest, AutoIsTheModelsOwn) {
  EXPECT_EQ(Resolve("auto").scheduler, SchedulerClass::kPndm);
  EXPECT_EQ(Resolve("").scheduler, SchedulerClass::kPndm);
  EXPECT_TRUE(Resolve("auto").skip_prk_steps);
}

TEST(SchedulerNamesTest, NamesAreFoundAsPeopleWriteThem) {
  for (const char* name : {"DPM++ 2M Karras", "dpm++ 2m karras",
                           "dpmpp_2m_karras", "DPM++_2M-KARRAS"}) {
    const SchedulerConfig config = Resolve(name);
    EXPECT_EQ(config.scheduler, SchedulerClass::kDpmSolverMultistep) << name;
    EXPECT_EQ(config.curve, SigmaCurve::kKarras) << name;
    EXPECT_EQ(config.algorithm, "dpmsolver++") << name;
  }
  EXPECT_EQ(Resolve("EulerDiscreteScheduler").scheduler,
            SchedulerClass::kEuler);
  EXPECT_EQ(Resolve("EulerAncestralDiscrete").scheduler,
            SchedulerClass::kEulerAncestral);
  EXPECT_EQ(Resolve("euler_a").scheduler, SchedulerClass::kEulerAncestral);
  EXPECT_EQ(Resolve("Euler SGM Uniform").spacing, Spacing::kTrailing);
}

TEST(SchedulerNamesTest, AnotherClassReadsTheFileWithItsOwnDefaults) {
  const SchedulerConfig config = Resolve("DPM++ 2M");
  EXPECT_EQ(config.spacing, Spacing::kLinspace);
  EXPECT_EQ(config.steps_offset, 1);
  EXPECT_EQ(config.beta_start, 0.00085);
  EXPECT_EQ(Resolve("auto").spacing, Spacing::kLeading);
}

TEST(SchedulerNamesTest, ARequestsOwnKeysComeLast) {
  const SchedulerConfig config =
      Resolve("Euler Karras",
              R"({"use_karras_sigmas": false, "prediction_type":
                  "v_prediction"})");
  EXPECT_EQ(config.curve, SigmaCurve::kTable);
  EXPECT_EQ(config.prediction, Prediction::kVelocity);
}

TEST(SchedulerNamesTest, AnUnknownNameGetsAHint) {
  const auto config = ResolveScheduler("Eulr", Model(), Config());
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("Euler"));
  EXPECT_FALSE(ResolveScheduler("Nonsense Karras", Model(), Config()).ok());
  EXPECT_FALSE(
      ResolveScheduler("auto", Of(R"({"_class_name": "Odd"})"), Config()).ok());
}

TEST(RegistryTest, OnlyTheModelsOwnTakesItsName) {
  EXPECT_EQ(SamplerName("auto", "PNDM"), "PNDM");
  EXPECT_EQ(SamplerName("Auto", "PNDM"), "PNDM");
  EXPECT_EQ(SamplerName("", "PNDM"), "PNDM");
  EXPECT_EQ(SamplerName("Euler a", "PNDM"), "Euler a");
  EXPECT_EQ(SamplerName("auto", ""), "auto");
}

TEST(RegistryTest, AModelsOwnSchedulerHasAName) {
  const auto name = [](const char* json) {
    return OwnSchedulerName(Config::Parse(json, "test").value());
  };
  EXPECT_EQ(name(R"({"_class_name": "PNDMScheduler"})"), "PNDM");
  EXPECT_EQ(name(R"({"_class_name": "DPMSolverMultistepScheduler",
                     "use_karras_sigmas": true})"),
            "DPM++ 2M Karras");
  EXPECT_EQ(name(R"({"_class_name": "EulerAncestralDiscreteScheduler"})"),
            "Euler a");
  EXPECT_EQ(name(R"({"_class_name": "FlowMatchScheduler"})"), "");
  EXPECT_EQ(name("{}"), "");
}

}  // namespace
}  // namespace sheaf::engine
