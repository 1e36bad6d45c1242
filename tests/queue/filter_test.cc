#include "queue/filter.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/error.h"
#include "queue/types.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;

TEST(FilterTest, NamesAreThoseOfTheDomain) {
  for (const RunStateFacts& facts : kRunStates) {
    const auto& name = kFilterStates[static_cast<int>(facts.state) - 1];
    EXPECT_EQ(name.name, facts.name);
    EXPECT_EQ(name.number, static_cast<int>(facts.state));
  }
  EXPECT_EQ(kFilterPriorities[0].number, static_cast<int>(Priority::kLow));
  EXPECT_EQ(kFilterPriorities[3].number, static_cast<int>(Priority::kUrgent));
}

// A text that the parser reads, and the text that PrintFilter makes of it.
struct Good {
  const char* text;
  const char* printed;
};

class GoodFilterTest : public ::testing::TestWithParam<Good> {};

TEST_P(GoodFilterTest, ReadsAndPrintsToTheSame) {
  const auto filter = ParseFilter(GetParam().text);
  ASSERT_TRUE(filter.ok()) << filter.status().ToString();
  EXPECT_EQ(PrintFilter(*filter), GetParam().printed);
  const auto again = ParseFilter(PrintFilter(*filter));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(*again, *filter);
}

INSTANTIATE_TEST_SUITE_P(
    Table, GoodFilterTest,
    ::testing::Values(
        Good{"", ""}, Good{" \t\n", ""},
        Good{"state = FAILED", "state = FAILED"},
        Good{"state=JOB_STATE_FAILED", "state = FAILED"},
        Good{"state != \"QUEUED\"", "state != QUEUED"},
        Good{"priority>=HIGH", "priority >= HIGH"},
        Good{"priority < PRIORITY_URGENT", "priority < URGENT"},
        Good{"id = 42", "id = 42"}, Good{"name = jobs/42", "id = 42"},
        Good{"name = \"jobs/42\"", "id = 42"}, Good{"id > -1", "id > -1"},
        Good{"queue = queues/art", "queue = \"art\""},
        Good{"queue = queues/queues/x", "queue = \"queues/queues/x\""},
        Good{"queue = art", "queue = \"art\""}, Good{"kind:up", "kind:\"up\""},
        Good{"owner:*", "owner:*"}, Good{"owner:\"*\"", "owner:\"*\""},
        Good{"owner = 'it\\'s \"me\"'", "owner = \"it's \\\"me\\\"\""},
        Good{"owner = \"a\\\\b\\n\\t\"", "owner = \"a\\\\b\\n\\t\""},
        Good{"request_id = 3f-9.a:b", "request_id = \"3f-9.a:b\""},
        Good{"labels.team = art", "labels.\"team\" = \"art\""},
        Good{"labels.a-b.c_d = x", "labels.\"a-b.c_d\" = \"x\""},
        Good{"labels.\"odd key\" != x", "labels.\"odd key\" != \"x\""},
        Good{"labels:team", "labels.\"team\":*"},
        Good{"labels : 'team'", "labels.\"team\":*"},
        Good{"labels.team:ar", "labels.\"team\":\"ar\""},
        Good{"create_time > 2026-01-01T00:00:00Z",
             "create_time > \"2026-01-01T00:00:00.000Z\""},
        Good{"run_time <= \"2026-01-01T02:00:00.123999+02:00\"",
             "run_time <= \"2026-01-01T00:00:00.123Z\""},
        Good{"end_time:*", "end_time:*"},
        Good{"-state = FAILED", "NOT state = FAILED"},
        Good{"NOT NOT id = 1", "NOT NOT id = 1"},
        Good{"NOT(id = 1)", "NOT id = 1"}, Good{"((id = 1))", "id = 1"},
        Good{"id = 1 AND id = 2 AND id = 3", "id = 1 AND id = 2 AND id = 3"},
        Good{"id=1 OR (id=2 AND -(id=3 OR id=4))",
             "id = 1 OR (id = 2 AND NOT (id = 3 OR id = 4))"},
        Good{"(id=1 AND id=2) AND id=3", "(id = 1 AND id = 2) AND id = 3"},
        Good{"owner = \xc3\xa9t\xc3\xa9", "owner = \"\xc3\xa9t\xc3\xa9\""}));

// A text that the parser refuses, the column where it stops, and its message.
struct Bad {
  const char* text;
  int column;
  const char* message;
};

class BadFilterTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadFilterTest, IsRefusedWithColumnAndAdvice) {
  const auto filter = ParseFilter(GetParam().text);
  ASSERT_FALSE(filter.ok()) << PrintFilter(*filter);
  EXPECT_EQ(ReasonOf(filter.status()), Reason::kBadFilter);
  EXPECT_THAT(std::string(filter.status().message()),
              HasSubstr(GetParam().message));
  EXPECT_EQ(MetadataOf(filter.status())["column"],
            std::to_string(GetParam().column));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadFilterTest,
    ::testing::Values(
        Bad{"colour = red", 1, "unknown field \"colour\""},
        Bad{"  = red", 3, "expected a field's name"},
        Bad{"FAILED", 1, "unknown field \"FAILED\""},
        Bad{"state", 6, "expected an operator: = and !="},
        Bad{"state = ", 9, "expected a value"},
        Bad{"state = failed", 9, "QUEUED, RUNNING"},
        Bad{"state = 4", 9, "QUEUED, RUNNING"},
        Bad{"state > QUEUED", 7, "state is compared by = and !="},
        Bad{"state:*", 6, "state is compared by"},
        Bad{"priority = 3", 12, "LOW, NORMAL"},
        Bad{"priority:HIGH", 9, "priority is compared by"},
        Bad{"queue < a", 7, "queue is compared by"},
        Bad{"labels.team > a", 13, "labels is compared by"},
        Bad{"id = twelve", 6, "number or name"},
        Bad{"id = 12x", 6, "number or name"},
        Bad{"id = 99999999999999999999", 6, "number or name"},
        Bad{"id:*", 3, "id is compared by"},
        Bad{"create_time > yesterday", 15, "a time from 1970 on"},
        Bad{"create_time > 2026-01-01", 15, "a time from 1970 on"},
        Bad{"create_time > 2026-13-01T00:00:00Z", 15, "a time from 1970"},
        Bad{"create_time > 1969-12-31T23:59:59Z", 15, "a time from 1970"},
        Bad{"create_time > \"2026-01-01T00:00:00Z \"", 15, "a time from"},
        Bad{"create_time > 2026-01-01T00:00:00", 15, "a time from 1970"},
        Bad{"create_time > infinite-future", 15, "a time from 1970"},
        Bad{"create_time : 2026-01-01T00:00:00Z", 13, "create_time is"},
        Bad{"labels = x", 8, "labels need a key"},
        Bad{"labels", 7, "labels need a key"},
        Bad{"labels. = x", 8, "expected the key"},
        Bad{"labels.\"\" = x", 8, "expected the key"},
        Bad{"kind = a*", 9, "need quotes"}, Bad{"kind = *", 8, "need quotes"},
        Bad{"kind = (a)", 8, "need quotes"},
        Bad{"kind = \"a", 8, "quote is never closed"},
        Bad{"kind = \"a\\", 8, "quote is never closed"},
        Bad{"kind = \"a\\q\"", 10, "the escapes are"},
        Bad{"(id = 1", 1, "parenthesis is never closed"},
        Bad{"id = 1)", 7, "expected AND, OR or the end"},
        Bad{"()", 2, "expected a field's name"},
        Bad{"id = 1 id = 2", 8, "expected AND, OR"},
        Bad{"id = 1 and id = 2", 8, "expected AND, OR"},
        Bad{"id = 1 AND", 11, "expected a comparison"},
        Bad{"id = 1 AND id = 2 OR id = 3", 19, "need parentheses"},
        Bad{"NOT", 4, "expected a comparison"},
        Bad{"AND id = 1", 1, "unknown field \"AND\""}));

std::string Repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(FilterTest, DepthIsBounded) {
  const auto nested = [](int depth) {
    return ParseFilter(Repeat("(", depth) + "id = 1" + Repeat(")", depth));
  };
  EXPECT_TRUE(nested(kFilterDepthMax).ok());
  EXPECT_THAT(std::string(nested(kFilterDepthMax + 1).status().message()),
              HasSubstr("too deeply nested"));
  EXPECT_TRUE(ParseFilter(Repeat("-", kFilterDepthMax) + "id = 1").ok());
  EXPECT_FALSE(ParseFilter(Repeat("-", kFilterDepthMax + 1) + "id = 1").ok());
}

TEST(FilterTest, TermsAndBytesAreBounded) {
  const auto terms = [](int count) {
    return ParseFilter("id = 0" + Repeat(" OR id = 0", count - 1));
  };
  EXPECT_TRUE(terms(kFilterTermsMax).ok());
  EXPECT_FALSE(terms(kFilterTermsMax + 1).ok());
  const std::string text = "kind = " + Repeat("k", kFilterBytesMax - 7);
  EXPECT_TRUE(ParseFilter(text).ok());
  EXPECT_EQ(ReasonOf(ParseFilter(text + "k").status()), Reason::kBadFilter);
  EXPECT_FALSE(ParseFilter(std::string("kind = \"a\0b\"", 12)).ok());
}

// A job to ask about, and whether a filter takes it.
class MatchesTest : public ::testing::Test {
 protected:
  bool Takes(const std::string& text) {
    const auto filter = ParseFilter(text);
    EXPECT_TRUE(filter.ok()) << text << ": " << filter.status().ToString();
    return filter.ok() && Matches(*filter, job_);
  }

  const std::map<std::string, std::string> labels_ = {{"team", "art"},
                                                      {"empty", ""}};
  JobFacts job_{.id = 42,
                .queue = "default",
                .kind = "upscale",
                .owner = "ann",
                .state = static_cast<int>(JobState::kFailed),
                .priority = static_cast<int>(Priority::kHigh),
                .create_time = absl::FromUnixMillis(1'000'000),
                .run_time = absl::FromUnixMillis(1'000'000),
                .labels = &labels_};
};

TEST_F(MatchesTest, EmptyFilterTakesEveryJob) { EXPECT_TRUE(Takes("")); }

TEST_F(MatchesTest, TermsCompareTheirField) {
  EXPECT_TRUE(Takes("name = jobs/42"));
  EXPECT_FALSE(Takes("id > 42"));
  EXPECT_TRUE(Takes("queue = queues/default"));
  EXPECT_TRUE(Takes("kind : scale"));
  EXPECT_FALSE(Takes("kind : Scale"));
  EXPECT_TRUE(Takes("state = FAILED"));
  EXPECT_TRUE(Takes("priority >= HIGH AND priority < URGENT"));
  EXPECT_TRUE(Takes("owner = ann"));
  EXPECT_FALSE(Takes("request_id:*"));
  EXPECT_TRUE(Takes("request_id = \"\""));
  EXPECT_TRUE(Takes("create_time = \"1970-01-01T00:16:40Z\""));
  EXPECT_FALSE(Takes("create_time > \"1970-01-01T00:16:40Z\""));
}

TEST_F(MatchesTest, WhatAJobLacksIsUnequalToEverything) {
  EXPECT_FALSE(Takes("end_time:*"));
  EXPECT_FALSE(Takes("end_time < 2026-01-01T00:00:00Z"));
  EXPECT_FALSE(Takes("end_time > 2026-01-01T00:00:00Z"));
  EXPECT_TRUE(Takes("end_time != 2026-01-01T00:00:00Z"));
  EXPECT_TRUE(Takes("NOT end_time = 2026-01-01T00:00:00Z"));
  EXPECT_FALSE(Takes("labels.site = \"\""));
  EXPECT_TRUE(Takes("labels.site != \"\""));
  EXPECT_FALSE(Takes("labels:site OR labels.site:\"\""));
}

TEST_F(MatchesTest, EmptyLabelIsPresent) {
  EXPECT_TRUE(Takes("labels:empty"));
  EXPECT_TRUE(Takes("labels.empty = \"\""));
  EXPECT_TRUE(Takes("labels.team:r AND -labels.team:x"));
}

TEST_F(MatchesTest, LogicIsThatOfTheWords) {
  EXPECT_TRUE(Takes("id = 1 OR id = 42"));
  EXPECT_FALSE(Takes("id = 1 AND id = 42"));
  EXPECT_TRUE(Takes("NOT (id = 1 OR id = 2)"));
  EXPECT_TRUE(Takes("id = 42 AND (owner = bob OR owner = ann)"));
}

}  // namespace
}  // namespace sheaf
