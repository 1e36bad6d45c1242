#include "cli/support/job_pages.h"

#include <gtest/gtest.h>

namespace sheaf::cli {
namespace {

TEST(JobPagesTest, FilterStateAndQueueAreJoined) {
  EXPECT_EQ(*JobFilter("", "", ""), "");
  EXPECT_EQ(*JobFilter("a = 1 OR b = 2", "", ""), "a = 1 OR b = 2");
  EXPECT_EQ(*JobFilter("a = 1 OR b = 2", "failed", "default"),
            "(a = 1 OR b = 2) AND state = FAILED AND queue = "
            "\"queues/default\"");
}

}  // namespace
}  // namespace sheaf::cli
