// Queues' settings and jobs' counts, on their way in and out.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/queue_settings.h"
#include "server/wire/convert.h"
#include "tests/queue/some_values.h"

namespace sheaf::server {
namespace {

using testing::ElementsAreArray;

// The queue's settings as a client sees them.
pb::QueueSettings Shown(const QueueSettings& settings) {
  pb::Queue queue;
  ToProto(Queue{.name = "q", .settings = settings}, &queue);
  return queue.settings();
}

TEST(ConvertQueueTest, TheTableHasTheSettingsOfTheWire) {
  std::vector<std::string> table;
  ForEachQueueSetting(
      [&](const auto& setting) { table.emplace_back(setting.name); });
  std::vector<std::string> wire;
  const auto* descriptor = pb::QueueSettings::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    wire.push_back(descriptor->field(i)->name());
  }
  EXPECT_THAT(table, ElementsAreArray(wire));
}

TEST(ConvertQueueTest, EverySettingGoesOutAndComesBack) {
  ForEachQueueSetting([&](const auto& setting) {
    const QueueSettings settings = SettingsWith(setting.member);
    EXPECT_EQ(FromProto(Shown(settings)), settings) << setting.name;
  });
}

TEST(ConvertQueueTest, AbsentSettingsAreTheDefaults) {
  EXPECT_EQ(FromProto(pb::QueueSettings()), QueueSettings());
}

TEST(ConvertQueueTest, AMaskChangesOnlyTheSettingsThatItNames) {
  ForEachQueueSetting([&](const auto& setting) {
    QueueSettings other;
    ForEachQueueSetting(
        [&](const auto& each) { SetSome(&(other.*each.member)); });
    pb::UpdateQueueRequest request;
    *request.mutable_settings() = Shown(other);
    request.mutable_update_mask()->add_paths(std::string(setting.name));
    const auto patch = FromProto(request);
    ASSERT_TRUE(patch.ok()) << patch.status();
    QueueSettings settings;
    patch->ApplyTo(&settings);
    EXPECT_EQ(settings, SettingsWith(setting.member)) << setting.name;
  });
}

TEST(ConvertQueueTest, AMaskMustNameSettingsThatThereAre) {
  pb::UpdateQueueRequest request;
  request.mutable_settings();
  EXPECT_FALSE(FromProto(request).ok());
  request.mutable_update_mask()->add_paths("batch_sizes");
  const auto patch = FromProto(request);
  EXPECT_EQ(ViolationsOf(patch.status())[0].description,
            "there is no setting batch_sizes");
}

TEST(ConvertQueueTest, ABoundIsWithoutEndWhereItIsAbsentAlone) {
  EXPECT_EQ(FromProto(pb::QueueSettings()).harm_max, absl::InfiniteDuration());
  EXPECT_FALSE(Shown(QueueSettings()).has_harm_max());
  pb::QueueSettings in;
  in.mutable_harm_max();
  EXPECT_EQ(FromProto(in).harm_max, absl::ZeroDuration());
  EXPECT_TRUE(Shown(FromProto(in)).has_harm_max());
}

TEST(ConvertQueueTest, SettingsAreReadFromTexts) {
  const auto settings =
      ParseQueueSettings({"policy=adaptive", "batch_size=8", "wait_max=5.0s",
                          "twins=true", "preempt_from=high"});
  ASSERT_TRUE(settings.ok()) << settings.status();
  QueueSettings expected;
  expected.policy = BatchPolicy::kAdaptive;
  expected.batch_size = 8;
  expected.wait_max = absl::Seconds(5);
  expected.twins = true;
  expected.preempt_from = Priority::kHigh;
  EXPECT_EQ(*settings, expected);
  EXPECT_EQ(*ParseQueueSettings({}), QueueSettings());
  for (const auto& [text, wrong] : std::map<std::string, std::string>{
           {"batch_sizes=8", "'batch_sizes=8' is no setting of a queue"},
           {"batch_size", "'batch_size' is not a whole number"},
           {"batch_size=x", "'batch_size=x' is not a whole number"},
           {"batch_size=2000", "batch_size"},
           {"policy=soon", "'policy=soon' is no value of BatchPolicy"},
           {"wait_max=5", "'wait_max=5' is not a duration like 30s"}}) {
    EXPECT_THAT(std::string(ParseQueueSettings({text}).status().message()),
                ::testing::HasSubstr(wrong));
  }
}

TEST(ConvertQueueTest, AZeroDurationIsNoLimitAndWaitsAreCutToAnHour) {
  pb::QueueSettings in;
  in.mutable_run_duration_max();
  in.mutable_keep_failed()->set_seconds(-5);
  in.mutable_wait_max()->set_seconds(7200);
  const QueueSettings settings = FromProto(in);
  EXPECT_EQ(settings.run_duration_max, absl::InfiniteDuration());
  EXPECT_EQ(settings.keep_failed, absl::InfiniteDuration());
  EXPECT_EQ(settings.wait_max, absl::Hours(1));
  in.mutable_wait_max()->set_seconds(0);
  EXPECT_EQ(FromProto(in).wait_max, absl::ZeroDuration());
  EXPECT_EQ(Shown(settings).run_duration_max().seconds(), 0);
}

TEST(ConvertQueueTest, TheTableHasTheStatesOfTheWire) {
  Job job;
  int64_t n = 10;
  for (const RunStateFacts& facts : kRunStates) {
    const int number = static_cast<int>(facts.state);
    const std::string name(facts.name);
    EXPECT_EQ(pb::RunState_Name(number), "RUN_STATE_" + name);
    EXPECT_EQ(pb::JobState_Name(number), "JOB_STATE_" + name);
    job.counts.*facts.count = ++n;
  }
  pb::Job out;
  ToProto(job, &out);
  const pb::RunCounts& counts = out.run_counts();
  const auto* descriptor = pb::RunCounts::descriptor();
  EXPECT_EQ(descriptor->field_count(), std::ssize(kRunStates));
  for (const RunStateFacts& facts : kRunStates) {
    const auto* field = descriptor->FindFieldByName(std::string(facts.word));
    ASSERT_NE(field, nullptr) << facts.word;
    EXPECT_EQ(field->number(), static_cast<int>(facts.state)) << facts.word;
    EXPECT_EQ(counts.GetReflection()->GetInt32(counts, field),
              job.counts.*facts.count);
  }
}

}  // namespace
}  // namespace sheaf::server
