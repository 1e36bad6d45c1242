// Requests of runs, on their way in and out.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/run_fields.h"
#include "server/wire/convert.h"
#include "server/wire/validator.h"
#include "tests/queue/some_values.h"

namespace sheaf::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

std::vector<std::string> Complaints(const pb::RunRequest& request) {
  pb::SubmitJobRequest submit;
  *submit.mutable_job()->add_runs() = request;
  std::vector<std::string> complaints;
  for (const Violation& violation : Validate(submit)) {
    complaints.push_back(violation.field + ": " + violation.description);
  }
  return complaints;
}

TEST(ConvertRunTest, TheTableHasTheFieldsOfTheWire) {
  std::vector<std::string> table;
  ForEachRunField([&](const auto& field) { table.emplace_back(field.name); });
  std::vector<std::string> wire;
  const auto* descriptor = pb::RunRequest::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    wire.push_back(descriptor->field(i)->name());
  }
  EXPECT_THAT(table, UnorderedElementsAreArray(wire));
}

TEST(ConvertRunTest, EveryFieldGoesOutAndComesBack) {
  ForEachRunField([&](const auto& field) {
    const RunParams params = ParamsWith(field.member);
    pb::RunRequest request;
    ToProto(params, &request);
    std::vector<const google::protobuf::FieldDescriptor*> set;
    request.GetReflection()->ListFields(request, &set);
    ASSERT_EQ(set.size(), 1u) << field.name;
    EXPECT_EQ(set[0]->name(), field.name);
    EXPECT_EQ(FromProto(request), params) << field.name;
  });
}

TEST(ConvertRunTest, AbsentIsNotTheSameAsZero) {
  pb::RunRequest request;
  EXPECT_EQ(FromProto(request), RunParams());
  request.set_clip_skip(0);
  request.set_emphasis(false);
  request.set_eta(0);
  request.set_prompt("");
  EXPECT_EQ(
      FromProto(request),
      (RunParams{.prompt = "", .clip_skip = 0, .emphasis = false, .eta = 0}));
}

TEST(ConvertRunTest, PicturesAreNamedByTheirDigest) {
  pb::RunRequest request;
  request.set_mask("artifacts/ab12");
  EXPECT_EQ(FromProto(request).mask, "ab12");
}

TEST(ConvertRunTest, TheEnginesSettingsAreCheckedAtSubmit) {
  pb::RunRequest request;
  request.set_clip_skip(100);
  request.set_prompt_chunks(1);
  request.set_eta(1);
  request.set_random(pb::RANDOM_MODE_PHILOX);
  EXPECT_THAT(Complaints(request), IsEmpty());
  request.set_clip_skip(-1);
  request.set_prompt_chunks(0);
  request.set_eta(1.5);
  request.set_guidance_rescale(-0.1);
  request.set_image_guidance(101);
  request.set_random(static_cast<pb::RandomMode>(7));
  EXPECT_THAT(
      Complaints(request),
      ElementsAre("job.runs[0].clip_skip: must be from 0 to 100",
                  "job.runs[0].prompt_chunks: must be from 1 to 32",
                  "job.runs[0].eta: must be from 0 to 1",
                  "job.runs[0].guidance_rescale: must be from 0 to 1",
                  "job.runs[0].image_guidance: must be from 0 to 100",
                  "job.runs[0].random: 7 is not a value of RandomMode"));
}

TEST(ConvertRunTest, ControlsKeepTheirDetector) {
  RunParams params;
  params.controls = {{.type = "edge", .image = "ab", .preprocess = "canny"}};
  pb::RunRequest request;
  ToProto(params, &request);
  EXPECT_EQ(request.controls(0).preprocess(), "canny");
  EXPECT_EQ(FromProto(request), params);
}

TEST(ConvertRunTest, DetectorsSizesAndRefinersAreCheckedAtSubmit) {
  pb::RunRequest request;
  request.set_refiner("fine");
  request.set_refiner_start(0.5);
  request.set_original_width(1);
  request.set_crop_left(0);
  request.add_controls()->set_type("edge");
  for (const char* text : {"canny", "canny(low=50, high=150)", "blur()"}) {
    request.mutable_controls(0)->set_preprocess(text);
    EXPECT_THAT(Complaints(request), IsEmpty()) << text;
  }
  request.mutable_controls(0)->set_preprocess("canny(low=50");
  request.set_original_width(0);
  request.set_crop_left(-1);
  request.set_refiner("../fine");
  request.set_refiner_start(1.5);
  request.add_images("fox.png");
  EXPECT_THAT(
      Complaints(request),
      ElementsAre("job.runs[0].controls[0].preprocess: must look like canny or "
                  "canny(low=50,high=150)",
                  "job.runs[0].original_width: must be from 1 to 16384",
                  "job.runs[0].crop_left: must be from 0 to 16384",
                  "job.runs[0].refiner: must be an alias, not a path",
                  "job.runs[0].refiner_start: must be from 0 to 1",
                  "job.runs[0].images[0]: must look like artifacts/ and 64 hex "
                  "digits"));
}

// A sweep's values are texts.
absl::StatusOr<Sweep> Swept(const std::string& field,
                            const std::vector<std::string>& values) {
  pb::Sweep sweep;
  pb::SweepAxis* axis = sweep.add_axes();
  axis->set_field(field);
  for (const std::string& value : values) axis->add_values(value);
  return FromProto(sweep);
}

TEST(ConvertRunTest, ASweepTakesWordsForSwitchesAndModes) {
  const auto random = Swept("random", {"philox", "RANDOM_MODE_CPU"});
  ASSERT_TRUE(random.ok()) << random.status();
  EXPECT_THAT(random->axes[0],
              ElementsAre(RunParams{.random = RandomMode::kPhilox},
                          RunParams{.random = RandomMode::kCpu}));
  const auto emphasis = Swept("emphasis", {"true", "false"});
  ASSERT_TRUE(emphasis.ok()) << emphasis.status();
  EXPECT_THAT(emphasis->axes[0], ElementsAre(RunParams{.emphasis = true},
                                             RunParams{.emphasis = false}));
  const auto wrong = [](const absl::StatusOr<Sweep>& sweep) {
    const Violations violations = ViolationsOf(sweep.status());
    return violations.empty() ? "" : violations[0].description;
  };
  EXPECT_EQ(wrong(Swept("random", {"dice"})), "is no value of RandomMode");
  EXPECT_EQ(wrong(Swept("random", {"unspecified"})),
            "is no value of RandomMode");
  EXPECT_EQ(wrong(Swept("emphasis", {"perhaps"})), "is neither true nor false");
  EXPECT_EQ(wrong(Swept("clip_skip", {"101"})), "must be from 0 to 100");
}

}  // namespace
}  // namespace sheaf::server
