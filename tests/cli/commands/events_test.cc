// `sheaf events`, against a server in this process.
#include <gmock/gmock.h>

#include <algorithm>

#include "cli/support/errors.h"
#include "tests/cli/wire_fixture.h"

namespace sheaf::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class EventsTest : public WireTest {
 protected:
  // 1 to 3: a job of another queue, job 42, a run of job 42.
  void Happen() {
    std::vector<v1::Event> events(3);
    for (int i = 0; i < 3; ++i) events[i].set_sequence(i + 1);
    events[0].set_job("jobs/4");
    events[0].set_queue("queues/night");
    events[1].set_job("jobs/42");
    events[1].set_queue("queues/default");
    events[2].set_queue("queues/default");
    events[2].add_runs()->set_run("jobs/42/runs/0");
    server_.SetEvents(events);
  }
};

TEST_F(EventsTest, StopAtTheirLimitAndAreJsonLinesOnRequest) {
  const RunResult result = Cli({"events", "--limit", "1", "-o", "json"});
  EXPECT_EQ(result.exit, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("{\"event\":{\"sequence\":\"8\""));
}

TEST_F(EventsTest, WithoutFollowingTheyEndWithTheLastThatThereIs) {
  Happen();
  const RunResult all = Cli({"events", "--no-follow"});
  EXPECT_EQ(all.exit, kExitOk) << all.err;
  EXPECT_EQ(std::count(all.out.begin(), all.out.end(), '\n'), 3);
  const RunResult fewer = Cli({"events", "--no-follow", "--limit", "40"});
  EXPECT_EQ(fewer.out, all.out);
  EXPECT_THAT(Cli({"events", "--no-follow", "--limit", "1"}).out,
              AllOf(HasSubstr("jobs/4"), Not(HasSubstr("jobs/42"))));
  EXPECT_THAT(Cli({"events", "--no-follow", "--after", "2"}).out,
              AllOf(HasSubstr("jobs/42/runs/0"), Not(HasSubstr("night"))));
}

TEST_F(EventsTest, WithoutFollowingOneJobOrQueueEndsAtTheSamePlace) {
  Happen();
  const RunResult job = Cli({"events", "--no-follow", "--job", "4"});
  EXPECT_THAT(job.out, AllOf(HasSubstr("jobs/4"), Not(HasSubstr("jobs/42"))));
  EXPECT_THAT(Cli({"events", "--no-follow", "--job", "42"}).out,
              AllOf(HasSubstr("  2  "), HasSubstr("  3  ")));
  EXPECT_THAT(Cli({"events", "--no-follow", "--queue", "night"}).out,
              AllOf(HasSubstr("queues/night"), Not(HasSubstr("default"))));
}

TEST_F(EventsTest, WithoutFollowingNothingToComeIsWaitedFor) {
  Happen();
  for (const char* after : {"-1", "3", "99"}) {
    const RunResult result = Cli({"events", "--no-follow", "--after", after});
    EXPECT_EQ(result.exit, kExitOk) << result.err;
    EXPECT_THAT(result.out, IsEmpty()) << after;
  }
  EXPECT_EQ(Cli({"events", "--no-follow", "--progress"}).exit, kExitUsage);
}

}  // namespace
}  // namespace sheaf::cli
