#include "queue/retry_policy.h"

#include <set>

#include "gtest/gtest.h"

namespace sheaf {
namespace {

constexpr ErrorClass kClasses[] = {
    ErrorClass::kTransient, ErrorClass::kOutOfMemory, ErrorClass::kWorkerDied,
    ErrorClass::kBadInput,  ErrorClass::kEngine,      ErrorClass::kDeadline,
    ErrorClass::kCrashLoop};

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

Run MakeRun(int failures, int attempts_max = 100, int attempt = 1) {
  Run run;
  run.id = RunId(JobId{42}, 3);
  run.failures = failures;
  run.attempt = attempt;
  run.attempts_max = attempts_max;
  return run;
}

TEST(RetryPolicyTest, TableHasARuleForEachClassInOrder) {
  for (ErrorClass error_class : kClasses) {
    EXPECT_EQ(RuleFor(error_class).error_class, error_class);
  }
}

TEST(RetryPolicyTest, WhatWouldFailAgainIsNotTriedAgain) {
  for (ErrorClass error_class :
       {ErrorClass::kBadInput, ErrorClass::kDeadline, ErrorClass::kCrashLoop}) {
    EXPECT_FALSE(RetryTime(MakeRun(1), error_class, kNow));
  }
}

TEST(RetryPolicyTest, JobsLimitHoldsForEveryClass) {
  for (ErrorClass error_class : kClasses) {
    EXPECT_FALSE(RetryTime(MakeRun(1, 1), error_class, kNow));
    EXPECT_FALSE(RetryTime(MakeRun(2, 2), error_class, kNow));
  }
  EXPECT_TRUE(RetryTime(MakeRun(1, 2), ErrorClass::kTransient, kNow));
}

TEST(RetryPolicyTest, ClassesLimitHoldsWhateverTheJobAllows) {
  for (ErrorClass error_class : kClasses) {
    const RetryRule& rule = RuleFor(error_class);
    if (!rule.retried) continue;
    EXPECT_TRUE(
        RetryTime(MakeRun(rule.failures_max - 1, 1000), error_class, kNow));
    EXPECT_FALSE(
        RetryTime(MakeRun(rule.failures_max, 1000), error_class, kNow));
  }
}

TEST(RetryPolicyTest, DelayDoublesUpToItsLimitWithAQuarterOfJitter) {
  for (ErrorClass error_class : kClasses) {
    const RetryRule& rule = RuleFor(error_class);
    if (!rule.retried) continue;
    absl::Duration base = rule.back_off;
    for (int failures = 1; failures < rule.failures_max; ++failures) {
      const auto time = RetryTime(MakeRun(failures, 1000), error_class, kNow);
      ASSERT_TRUE(time);
      EXPECT_GE(*time - kNow, base);
      EXPECT_LE(*time - kNow, base * 1.25);
      base = std::min(2 * base, rule.back_off_max);
    }
  }
}

TEST(RetryPolicyTest, ManyFailuresDoNotOverflowTheDelay) {
  const auto time = RetryTime(MakeRun(99, 1000), ErrorClass::kTransient, kNow);
  ASSERT_TRUE(time);
  EXPECT_LE(*time - kNow, RuleFor(ErrorClass::kTransient).back_off_max * 1.25);
}

TEST(RetryPolicyTest, ReplayGivesTheSameTime) {
  EXPECT_EQ(RetryTime(MakeRun(2), ErrorClass::kTransient, kNow),
            RetryTime(MakeRun(2), ErrorClass::kTransient, kNow));
}

TEST(RetryPolicyTest, BatchOfFailuresSpreads) {
  std::set<absl::Time> times;
  for (int i = 0; i < 100; ++i) {
    auto run = MakeRun(1);
    run.id = RunId(JobId{42}, i);
    times.insert(*RetryTime(run, ErrorClass::kTransient, kNow));
  }
  EXPECT_GT(times.size(), 80u);
}

TEST(RetryPolicyTest, AttemptsOfOneRunSpreadToo) {
  EXPECT_NE(RetryTime(MakeRun(1, 100, 1), ErrorClass::kTransient, kNow),
            RetryTime(MakeRun(1, 100, 2), ErrorClass::kTransient, kNow));
}

}  // namespace
}  // namespace sheaf
