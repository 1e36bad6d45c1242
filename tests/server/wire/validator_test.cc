#include "server/wire/validator.h"

#include <chrono>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sheaf/v1/artifact_service.pb.h"
#include "sheaf/v1/job_service.pb.h"
#include "sheaf/v1/queue_service.pb.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A submit with nothing wrong, for tests to spoil.
v1::SubmitJobRequest MakeSubmit(int runs = 1) {
  v1::SubmitJobRequest request;
  request.set_request_id("0c5f5f2e-8c1c-4b7e-b6c8-8a51f0d8a1de");
  request.mutable_job()->set_queue("queues/default");
  request.mutable_job()->set_kind("inference");
  request.mutable_job()->set_owner("ann");
  (*request.mutable_job()->mutable_labels())["team"] = "art";
  for (int i = 0; i < runs; ++i) {
    v1::RunRequest* run = request.mutable_job()->add_runs();
    run->set_prompt("a red fox in the snow, evening light, film grain");
    run->set_seed(i);
    run->set_steps(30);
    run->set_guidance(7.5);
    (*run->mutable_weights())["depth"] = 0.5;
  }
  return request;
}

// "path: description" of each violation.
std::vector<std::string> Wrong(const google::protobuf::Message& message) {
  std::vector<std::string> wrong;
  for (const Violation& violation : Validate(message)) {
    wrong.push_back(violation.field + ": " + violation.description);
  }
  return wrong;
}

TEST(ValidatorTest, GoodRequestHasNoViolations) {
  EXPECT_THAT(Wrong(MakeSubmit()), IsEmpty());
}

TEST(ValidatorTest, MissingMessageAndTextAreRequired) {
  EXPECT_THAT(Wrong(v1::SubmitJobRequest()), ElementsAre("job: is required"));
  EXPECT_THAT(Wrong(v1::GetJobRequest()), ElementsAre("name: is required"));
  EXPECT_THAT(Wrong(v1::SubmitJobsRequest()),
              ElementsAre("requests: is required: needs at least one"));
}

TEST(ValidatorTest, PatternMustMatchTheWholeText) {
  v1::GetJobRequest request;
  request.set_name("jobs/42");
  EXPECT_THAT(Wrong(request), IsEmpty());
  for (const char* name : {"jobs/", "jobs/x", "xjobs/1", "jobs/1/", "jobs/1\n",
                           "jobs/1234567890123456789"}) {
    request.set_name(name);
    EXPECT_THAT(Wrong(request), ElementsAre("name: must look like jobs/42"))
        << name;
  }
}

TEST(ValidatorTest, EmptyOptionalTextPassesItsPattern) {
  v1::SubmitJobRequest request = MakeSubmit();
  request.mutable_job()->clear_queue();
  request.mutable_job()->mutable_runs(0)->set_model("");
  EXPECT_THAT(Wrong(request), IsEmpty());
}

TEST(ValidatorTest, TextIsNoLongerThanItMayBe) {
  v1::SubmitJobRequest request = MakeSubmit();
  auto* run = request.mutable_job()->mutable_runs(0);
  run->set_prompt(std::string(65536, 'x'));
  EXPECT_THAT(Wrong(request), IsEmpty());
  run->set_prompt(std::string(65537, 'x'));
  EXPECT_THAT(Wrong(request),
              ElementsAre("job.runs[0].prompt: has 65537 bytes; at most 65536 "
                          "are allowed"));
}

TEST(ValidatorTest, BytesHaveALengthButNoAlphabet) {
  v1::UploadArtifactRequest request;
  request.set_data(std::string(262144, '\xff'));
  EXPECT_THAT(Wrong(request), IsEmpty());
  request.set_data(std::string(262145, '\xff'));
  EXPECT_THAT(
      Wrong(request),
      ElementsAre("data: has 262145 bytes; at most 262144 are allowed"));
}

TEST(ValidatorTest, NumbersKeepTheirBounds) {
  v1::SubmitJobRequest request = MakeSubmit();
  auto* run = request.mutable_job()->mutable_runs(0);
  run->set_steps(0);
  run->set_seed(-1);
  run->set_guidance(100.5);
  run->set_strength(1);
  EXPECT_THAT(Wrong(request),
              ElementsAre("job.runs[0].seed: must be at least 0",
                          "job.runs[0].steps: must be from 1 to 1000",
                          "job.runs[0].guidance: must be from 0 to 100"));
}

TEST(ValidatorTest, NoNumberIsInfiniteOrNan) {
  v1::SubmitJobRequest request = MakeSubmit();
  auto* run = request.mutable_job()->mutable_runs(0);
  run->set_guidance(kNan);
  (*run->mutable_weights())["depth"] = -kInfinity;
  auto* range = request.mutable_job()->mutable_sweep()->add_axes();
  range->set_field("seed");
  range->mutable_range()->set_to(kInfinity);
  EXPECT_THAT(
      Wrong(request),
      ElementsAre("job.runs[0].guidance: must be a finite number",
                  "job.runs[0].weights[\"depth\"]: must be a finite number",
                  "job.sweep.axes[0].range.to: must be a finite number"));
}

TEST(ValidatorTest, KeysOfMapsHaveRulesOfTheirOwn) {
  v1::SubmitJobRequest request = MakeSubmit();
  // Take the map again each time: reflection keeps a copy of it, and a change
  // by a held reference would go unseen.
  const auto set = [&](const std::string& key, const std::string& value) {
    request.mutable_job()->clear_labels();
    (*request.mutable_job()->mutable_labels())[key] = value;
  };
  set("A \"b\"\n", "x");
  EXPECT_THAT(Wrong(request),
              ElementsAre("job.labels[\"A \\\"b\\\"?\"]: key must match "
                          "[a-z0-9_.-]+"));
  set("", "x");
  EXPECT_THAT(Wrong(request),
              ElementsAre("job.labels[\"\"]: key must match [a-z0-9_.-]+"));
  set(std::string(1000, 'k'), std::string(257, 'v'));
  const auto wrong = Wrong(request);
  ASSERT_EQ(wrong.size(), 2u);
  EXPECT_LT(wrong[0].size(), 150u);
  EXPECT_THAT(wrong[1], ::testing::HasSubstr("has 257 bytes; at most 256"));
}

TEST(ValidatorTest, ListsAndMapsHaveAtMostSoManyEntries) {
  v1::SubmitJobRequest request = MakeSubmit();
  for (int i = 0; i < 65; ++i) {
    (*request.mutable_job()->mutable_labels())["k" + std::to_string(i)] = "";
  }
  for (int i = 0; i < 17; ++i) {
    request.mutable_job()->mutable_shared()->add_loras()->set_name("x");
  }
  EXPECT_THAT(Wrong(request),
              ElementsAre("job.labels: has 66 entries; at most 64 are allowed",
                          "job.shared.loras: has 17 entries; at most 16 are "
                          "allowed"));
}

TEST(ValidatorTest, ElementsOfAListAreCheckedEach) {
  v1::RegisterWorkerRequest request;
  request.set_display_name("w");
  request.add_queues("queues/a");
  request.add_queues("a");
  EXPECT_THAT(Wrong(request),
              ElementsAre("queues[1]: must look like queues/NAME"));
}

TEST(ValidatorTest, EnumsHaveADefinedValue) {
  v1::SubmitJobRequest request = MakeSubmit();
  request.mutable_job()->set_priority(static_cast<v1::Priority>(9));
  EXPECT_THAT(Wrong(request),
              ElementsAre("job.priority: 9 is not a value of Priority"));
  v1::ListRunsRequest list;
  list.set_job("jobs/1");
  list.add_states(v1::RUN_STATE_QUEUED);
  list.add_states(static_cast<v1::RunState>(-1));
  EXPECT_THAT(Wrong(list),
              ElementsAre("states[1]: -1 is not a value of RunState"));
}

TEST(ValidatorTest, TimesAndDurationsLieInTheirRange) {
  v1::SubmitJobRequest request = MakeSubmit();
  auto* time = request.mutable_job()->mutable_run_time();
  time->set_seconds(253402300799);
  time->set_nanos(999999999);
  EXPECT_THAT(Wrong(request), IsEmpty());
  time->set_seconds(253402300800);
  request.mutable_job()->mutable_start_deadline()->set_nanos(-1);
  EXPECT_THAT(
      Wrong(request),
      ElementsAre("job.run_time: must be a time of the years 1 to 9999",
                  "job.start_deadline: must be a time of the years 1 to 9999"));
  v1::WaitJobRequest wait;
  wait.set_name("jobs/1");
  for (const auto& [seconds, nanos] : std::vector<std::pair<int64_t, int>>{
           {1, -1},
           {-1, 1},
           {0, 1'000'000'000},
           {0, std::numeric_limits<int>::min()},
           {315'576'000'001, 0},
           {std::numeric_limits<int64_t>::min(), 0}}) {
    wait.mutable_timeout()->set_seconds(seconds);
    wait.mutable_timeout()->set_nanos(nanos);
    EXPECT_EQ(Wrong(wait).size(), 1u) << seconds << " " << nanos;
  }
}

TEST(ValidatorTest, TextIsUtf8) {
  v1::SubmitJobRequest request = MakeSubmit();
  auto* run = request.mutable_job()->mutable_runs(0);
  run->set_prompt("twelve bytes \xc3\xa9 and \xf0\x9f\xa6\x8a");
  EXPECT_THAT(Wrong(request), IsEmpty());
  run->set_prompt("twelve bytes \xc3");
  EXPECT_THAT(Wrong(request),
              ElementsAre("job.runs[0].prompt: must be valid UTF-8"));
}

TEST(ValidatorTest, NamesToShowHoldNothingThatHidesOrReorders) {
  v1::SubmitJobRequest request = MakeSubmit();
  v1::RegisterWorkerRequest worker;
  for (const std::string mark : {"\x01", "\x7f", "\u009b", "\u061c", "\u200e",
                                 "\u202e", "\u2066", "\U000E0041"}) {
    request.mutable_job()->set_owner("ann" + mark);
    worker.set_display_name("gpu" + mark);
    EXPECT_EQ(Wrong(request).size(), 1u);
    EXPECT_EQ(Wrong(worker).size(), 1u);
  }
  for (const char* name : {"Zoë", "نامه\u200cها", "狐 🦊"}) {
    request.mutable_job()->set_owner(name);
    worker.set_display_name(name);
    EXPECT_THAT(Wrong(request), IsEmpty());
    EXPECT_THAT(Wrong(worker), IsEmpty());
  }
}

TEST(ValidatorTest, FieldMasksAreShort) {
  v1::UpdateQueueRequest request;
  request.set_name("queues/a");
  request.mutable_settings();
  for (int i = 0; i < 64; ++i) request.mutable_update_mask()->add_paths("x");
  EXPECT_THAT(Wrong(request), IsEmpty());
  request.mutable_update_mask()->add_paths("x");
  EXPECT_EQ(Wrong(request).size(), 1u);
  request.mutable_update_mask()->clear_paths();
  request.mutable_update_mask()->add_paths(std::string(129, 'x'));
  EXPECT_EQ(Wrong(request).size(), 1u);
}

TEST(ValidatorTest, PathsLeadToTheFieldThroughListsAndMaps) {
  v1::SubmitJobsRequest request;
  for (int i = 0; i < 3; ++i) *request.add_requests() = MakeSubmit(4);
  auto* run = request.mutable_requests(2)->mutable_job()->mutable_runs(3);
  (*run->mutable_weights())["pose"] = 11;
  EXPECT_THAT(Wrong(request),
              ElementsAre("requests[2].job.runs[3].weights[\"pose\"]: must be "
                          "from 0 to 10"));
}

TEST(ValidatorTest, StopsAtAHundred) {
  v1::SubmitJobRequest request = MakeSubmit(1000);
  for (auto& run : *request.mutable_job()->mutable_runs()) {
    run.set_steps(-1);
    run.set_width(1);
  }
  EXPECT_EQ(Validate(request).size(), kViolationsMax);
}

double SecondsToValidate(const google::protobuf::Message& message, int times) {
  const auto start = std::chrono::steady_clock::now();
  size_t wrong = 0;
  for (int i = 0; i < times; ++i) wrong += Validate(message).size();
  EXPECT_EQ(wrong, 0u);
  const std::chrono::duration<double> spent =
      std::chrono::steady_clock::now() - start;
  return spent.count() / times;
}

// Bounds ten times what was measured, so that only a change of kind fails.
TEST(ValidatorTest, IsQuick) {
  const double one = SecondsToValidate(MakeSubmit(), 1000);
  const double large = SecondsToValidate(MakeSubmit(100'000), 1);
  RecordProperty("one_run_nanoseconds", static_cast<int>(one * 1e9));
  RecordProperty("large_milliseconds", static_cast<int>(large * 1e3));
  std::printf("one run %.2f us, 100,000 runs %.0f ms\n", one * 1e6,
              large * 1e3);
  EXPECT_LT(one, 50e-6);
  EXPECT_LT(large, 2.0);
}

}  // namespace
}  // namespace sheaf::server
