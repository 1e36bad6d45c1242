#include "server/liveness/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/base/fake_steady_clock.h"

namespace sheaf::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// One check, answered by hand, on a clock of our own.
class ProbeTest : public testing::Test {
 protected:
  ProbeTest()
      : probe_({{.name = "writes",
                 .ask =
                     [this](Probe::Answered answered) {
                       ++asked_;
                       waiting_ = std::move(answered);
                       if (answer_) Answer(*answer_);
                     },
                 .answers = [this] { return others_; }}},
               {.clock = &clock_}) {}

  void Answer(const absl::Status& status) {
    const Probe::Answered answered = std::move(waiting_);
    answered(status);
  }
  // Lets so many seconds pass, with a tick in each.
  void Pass(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      clock_.Advance(absl::Seconds(1));
      probe_.Tick();
    }
  }

  FakeSteadyClock clock_;
  int asked_ = 0;
  int64_t others_ = 0;
  std::optional<absl::Status> answer_ = absl::OkStatus();
  Probe::Answered waiting_;
  Probe probe_;
};

TEST_F(ProbeTest, AsksAgainAndAgain) {
  Pass(100);
  EXPECT_EQ(asked_, 20);
  EXPECT_THAT(probe_.Problems(), IsEmpty());
  EXPECT_TRUE(probe_.IsAlive());
}

TEST_F(ProbeTest, SilenceIsAProblemSoonAndAnEndLater) {
  Pass(10);
  answer_.reset();
  const int asked = asked_;
  Pass(16);
  EXPECT_THAT(probe_.Problems(), IsEmpty());
  Pass(2);
  EXPECT_THAT(probe_.Problems(),
              ElementsAre(HasSubstr("writes have had no answer for")));
  EXPECT_TRUE(probe_.IsAlive());
  Pass(15);
  EXPECT_FALSE(probe_.IsAlive());
  EXPECT_EQ(asked_, asked + 1) << "one question waits at a time";
  Answer(absl::OkStatus());
  EXPECT_THAT(probe_.Problems(), IsEmpty());
  EXPECT_TRUE(probe_.IsAlive());
}

TEST_F(ProbeTest, FloodThatKeepsUsWaitingIsNoDeath) {
  answer_.reset();
  for (int i = 0; i < 200; ++i) {
    ++others_;
    Pass(1);
  }
  EXPECT_THAT(probe_.Problems(), IsEmpty());
  EXPECT_TRUE(probe_.IsAlive());
}

TEST_F(ProbeTest, ErrorsAreAProblemAndNoReasonToStartAgain) {
  answer_ = absl::InternalError("the store refused a statement");
  Pass(200);
  EXPECT_THAT(probe_.Problems(),
              ElementsAre("writes fail: the store refused a statement"));
  EXPECT_TRUE(probe_.IsAlive());
}

TEST_F(ProbeTest, OthersThatAreAnsweredDoNotHideErrors) {
  answer_ = absl::InternalError("no");
  for (int i = 0; i < 30; ++i) {
    ++others_;
    Pass(1);
  }
  EXPECT_THAT(probe_.Problems(), ElementsAre("writes fail: no"));
}

TEST_F(ProbeTest, StoreThatCannotWriteAnswersWell) {
  answer_ = absl::UnavailableError("the disk is full");
  Pass(200);
  EXPECT_THAT(probe_.Problems(), IsEmpty());
}

TEST_F(ProbeTest, DeadlineThatPassedIsNoAnswer) {
  answer_ = absl::DeadlineExceededError("cannot connect");
  Pass(22);
  EXPECT_THAT(probe_.Problems(), ElementsAre("writes fail: cannot connect"));
  EXPECT_TRUE(probe_.IsAlive());
  Pass(15);
  EXPECT_FALSE(probe_.IsAlive());
  EXPECT_GT(asked_, 4);
}

TEST_F(ProbeTest, TimeInWhichTheProcessStoodStillDoesNotCount) {
  Pass(10);
  answer_.reset();
  Pass(5);
  clock_.Advance(absl::Hours(8));
  probe_.Tick();
  EXPECT_THAT(probe_.Problems(), IsEmpty());
  EXPECT_TRUE(probe_.IsAlive());
}

}  // namespace
}  // namespace sheaf::server
