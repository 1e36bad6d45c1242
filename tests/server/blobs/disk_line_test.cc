#include "server/blobs/disk_line.h"

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;

TEST(DiskLineTest, CallersTakeTurnsAndKeepTheirOwnOrder) {
  std::vector<std::string> order;
  {
    // These outlive the line, whose thread waits for them.
    absl::Notification begun;
    absl::Notification all_here;
    DiskLine line(1);
    line.Run("a", [&] {
      begun.Notify();
      all_here.WaitForNotification();
    });
    begun.WaitForNotification();
    const auto add = [&](const std::string& caller, const std::string& name) {
      line.Run(caller, [&order, name] { order.push_back(name); });
    };
    for (const char* name : {"a1", "a2", "a3"}) add("a", name);
    add("b", "b1");
    add("b", "b2");
    add("c", "c1");
    all_here.Notify();
  }
  EXPECT_THAT(order, ElementsAre("a1", "b1", "c1", "a2", "b2", "a3"));
}

TEST(DiskLineTest, OneTaskThatWaitsHoldsUpNoOther) {
  absl::Notification second;
  absl::Notification first;
  DiskLine line(2);
  line.Run("a", [&] {
    second.WaitForNotification();
    first.Notify();
  });
  line.Run("a", [&] { second.Notify(); });
  first.WaitForNotification();
}

TEST(DiskLineTest, WhatIsLeftAtTheEndIsRun) {
  int ran = 0;
  {
    DiskLine line(1);
    line.Run("a", [&] {
      line.Run("b", [&] { ++ran; });
      ++ran;
    });
  }
  EXPECT_EQ(ran, 2);
}

}  // namespace
}  // namespace sheaf::server
