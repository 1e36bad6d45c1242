#include "inference/worker/session/fault_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fmt/format.h"

namespace sheaf::worker {
namespace {

using ::testing::HasSubstr;

struct Good {
  const char* text;
  Fault fault;
};

TEST(FaultScriptTest, EveryDocumentedFaultReadsAsMeant) {
  const Good table[] = {
      {"exception@step=3", {.action = FaultAction::kException, .step = 3}},
      {"oom@rows>4", {.action = FaultAction::kOutOfMemory, .rows_above = 4}},
      {"nan@row=2", {.action = FaultAction::kNan, .row = 2}},
      {"hang@step=2", {.action = FaultAction::kHang, .step = 2}},
      {"crash@step=5", {.action = FaultAction::kCrash, .step = 5}},
      {"crash@before-finish",
       {.action = FaultAction::kCrash, .point = FaultPoint::kBeforeFinish}},
      {"crash@after-finish",
       {.action = FaultAction::kCrash, .point = FaultPoint::kAfterFinish}},
      {"exit@lease",
       {.action = FaultAction::kExit, .point = FaultPoint::kLease}},
      {"bad-input@prompt~zebra",
       {.action = FaultAction::kBadInput, .prompt_part = "zebra"}},
      {"fail@p=0.1,seed=7",
       {.action = FaultAction::kFail, .probability = 0.1, .seed = 7}},
      {"fail@attempt=1", {.action = FaultAction::kFail, .attempt = 1}},
      {" nan ", {.action = FaultAction::kNan}},
      {"exit@lease,prompt~a b",
       {.action = FaultAction::kExit,
        .point = FaultPoint::kLease,
        .prompt_part = "a b"}},
  };
  for (const Good& good : table) {
    const auto fault = ParseFault(good.text);
    ASSERT_TRUE(fault.ok()) << fault.status();
    EXPECT_TRUE(*fault == good.fault) << good.text;
  }
}

TEST(FaultScriptTest, BadFaultsSayWhatIsWrong) {
  const struct {
    const char* text;
    const char* message;
  } table[] = {
      {"", "'' is not an action"},
      {"explode", "'explode' is not an action; actions are exception, oom"},
      {"OOM@rows>4", "'OOM' is not an action"},
      {"nan@", "'' is not a condition; conditions are lease"},
      {"nan@row=2,", "'' is not a condition"},
      {"nan@moon=full", "'moon=full' is not a condition"},
      {"nan@row=two", "row= needs a whole number of at least 0, not 'two'"},
      {"nan@row=-1", "row= needs a whole number of at least 0, not '-1'"},
      {"hang@step=0", "step= needs a whole number of at least 1, not '0'"},
      {"hang@step=99999999999", "step= needs a whole number"},
      {"oom@rows>x", "rows> needs a whole number of at least 0, not 'x'"},
      {"oom@rows=4", "'rows=4' is not a condition"},
      {"fail@attempt=0", "attempt= needs a whole number of at least 1"},
      {"fail@p=1.5", "p= needs a number from 0 to 1, not '1.5'"},
      {"fail@p=nan", "p= needs a number from 0 to 1, not 'nan'"},
      {"fail@seed=-1", "seed= needs a whole number of at least 0"},
      {"fail@prompt~", "prompt~ needs a piece of the prompt"},
      {"oom@lease", "only hang, crash and exit can strike at 'lease'"},
      {"nan@before-finish", "only hang, crash and exit"},
      {"crash@lease,step=2", "step= and rows> do not apply to a fault"},
  };
  for (const auto& bad : table) {
    const auto fault = ParseFault(bad.text);
    ASSERT_EQ(fault.status().code(), absl::StatusCode::kInvalidArgument)
        << bad.text;
    const std::string message(fault.status().message());
    EXPECT_THAT(message, HasSubstr(bad.message));
    EXPECT_THAT(message, HasSubstr(fmt::format("fault '{}'", bad.text)));
  }
}

TEST(FaultScriptTest, ListIsSeparatedBySemicolons) {
  const auto faults = ParseFaults("nan@row=2; ;exit@lease;");
  ASSERT_TRUE(faults.ok()) << faults.status();
  ASSERT_EQ(faults->size(), 2u);
  EXPECT_EQ((*faults)[0].action, FaultAction::kNan);
  EXPECT_EQ((*faults)[1].action, FaultAction::kExit);
  EXPECT_TRUE(ParseFaults("")->empty());
  EXPECT_FALSE(ParseFaults("nan;bang").ok());
}

TEST(FaultScriptTest, AllConditionsOnTheRowMustHold) {
  const Fault fault = *ParseFault("nan@row=1,attempt=2,prompt~fox");
  const FaultSubject right = {"jobs/1/runs/0", "a red fox", 1, 2};
  EXPECT_TRUE(Applies(fault, right));
  FaultSubject wrong = right;
  wrong.row = 0;
  EXPECT_FALSE(Applies(fault, wrong));
  wrong = right;
  wrong.attempt = 1;
  EXPECT_FALSE(Applies(fault, wrong));
  wrong = right;
  wrong.prompt = "a red dog";
  EXPECT_FALSE(Applies(fault, wrong));
}

TEST(FaultScriptTest, ChanceIsFairAndDrawnOncePerRunAttemptAndSeed) {
  const Fault fault = *ParseFault("fail@p=0.1,seed=7");
  const Fault other_seed = *ParseFault("fail@p=0.1,seed=8");
  int struck = 0;
  int differs = 0;
  for (int i = 0; i < 10000; ++i) {
    const std::string run = fmt::format("jobs/{}/runs/0", i);
    const FaultSubject subject = {run, "", 0, 1};
    const bool strikes = Applies(fault, subject);
    EXPECT_EQ(strikes, Applies(fault, subject));
    struck += strikes;
    differs += strikes != Applies(other_seed, subject);
  }
  EXPECT_NEAR(struck, 1000, 120);
  EXPECT_GT(differs, 1000);
  const FaultSubject any = {"jobs/1/runs/0", "", 0, 1};
  EXPECT_TRUE(Applies(*ParseFault("fail@p=1"), any));
  EXPECT_FALSE(Applies(*ParseFault("fail@p=0"), any));
}

TEST(FaultScriptTest, StepDefaultsToTheFirstAndForMemoryToAny) {
  EXPECT_TRUE(StrikesAtStep(*ParseFault("nan"), 1, 1));
  EXPECT_FALSE(StrikesAtStep(*ParseFault("nan"), 2, 1));
  EXPECT_TRUE(StrikesAtStep(*ParseFault("nan@step=2"), 2, 1));
  EXPECT_FALSE(StrikesAtStep(*ParseFault("nan@step=2"), 1, 1));
  EXPECT_TRUE(StrikesAtStep(*ParseFault("oom@rows>4"), 9, 5));
  EXPECT_FALSE(StrikesAtStep(*ParseFault("oom@rows>4"), 9, 4));
  EXPECT_FALSE(StrikesAtStep(*ParseFault("exit@lease"), 1, 1));
}

}  // namespace
}  // namespace sheaf::worker
