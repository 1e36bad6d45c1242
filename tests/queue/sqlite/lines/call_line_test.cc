#include "queue/sqlite/lines/call_line.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"

namespace sheaf {
namespace {

using ::testing::ElementsAre;
using Line = CallLine<std::string>;

CallOptions From(const std::string& caller, const std::string& group = "home") {
  return {.caller = caller, .group = group};
}

// Takes `count` tasks, each of which takes as long as `cost` says.
template <class Cost>
std::vector<std::string> Serve(Line& line, int count, Cost cost) {
  std::vector<std::string> served;
  for (int i = 0; i < count; ++i) {
    auto turn = line.TryTake();
    if (!turn) break;
    served.push_back(turn->task);
    line.End(*turn, std::chrono::milliseconds(cost(turn->task)));
  }
  return served;
}
std::vector<std::string> Serve(Line& line, int count) {
  return Serve(line, count, [](const std::string&) { return 1; });
}

TEST(CallLineTest, CallsOfOneCallerComeInTheirOrder) {
  Line line({});
  for (const char* task : {"a", "b", "c"}) line.Push({}, task);
  EXPECT_THAT(Serve(line, 9), ElementsAre("a", "b", "c"));
}

TEST(CallLineTest, CallersComeInTurn) {
  Line line({});
  for (int i = 0; i < 100; ++i) line.Push(From("flood"), "f");
  line.Push(From("ann"), "a1");
  line.Push(From("ann"), "a2");
  line.Push(From("bob"), "b1");
  EXPECT_THAT(Serve(line, 6), ElementsAre("f", "a1", "b1", "f", "a2", "f"));
}

TEST(CallLineTest, ACallerOfHeavyTasksWaitsForAGroupOfItsOwn) {
  using std::chrono::milliseconds;
  Line line({});
  for (int i = 0; i < 3; ++i) line.Push(From("heavy"), "h");
  line.Push(From("light"), "l");
  const auto heavy = line.TryTake();
  EXPECT_EQ(heavy->task, "h");  // its cost is not known yet
  const auto light =
      line.TryTakeAfter(*heavy, milliseconds(500), milliseconds(20));
  ASSERT_EQ(light->task, "l");
  EXPECT_FALSE(line.TryTakeAfter(*light, milliseconds(1), milliseconds(20)));
  const auto next = line.TryTake();
  ASSERT_EQ(next->task, "h");
  // The caller has become light, so its next task is taken along.
  EXPECT_TRUE(line.TryTakeAfter(*next, milliseconds(1), milliseconds(20)));
}

TEST(CallLineTest, RepliesThatTakeLongOweTheTimeToTheRest) {
  Line line({});
  for (int i = 0; i < 40; ++i) {
    line.Push({.caller = "worker", .group = "home", .first = true}, "reply");
    line.Push(From("ann"), "submit");
  }
  const auto served = Serve(line, 40, [](const std::string& task) {
    return task == "reply" ? 10 : 1;
  });
  // Three replies take 30 ms, more than they may; thirty submits take as long.
  EXPECT_GE(std::count(served.begin(), served.end(), "submit"), 28);
  EXPECT_GE(std::count(served.begin(), served.end(), "reply"), 4);
}

TEST(CallLineTest, TheOnlyCallOfOneBesideAFloodIsLone) {
  Line line({});
  line.Push(From("ann"), "a");
  EXPECT_FALSE(line.TryTake()->lone);  // There is no flood.
  for (int i = 0; i < 100; ++i) line.Push(From("flood"), "f");
  line.Push(From("ann"), "b");
  int lone = 0;
  for (int i = 0; i < 10; ++i) {
    const auto turn = line.TryTake();
    EXPECT_EQ(turn->lone, turn->task == "b");
    lone += turn->lone ? 1 : 0;
    line.End(*turn, std::chrono::milliseconds(1));
  }
  EXPECT_EQ(lone, 1);
}

TEST(CallLineTest, TheLastCallOfOneThatAsksAsMuchAsOthersIsNotLone) {
  Line line({});
  for (int i = 0; i < 100; ++i) {
    for (const char* caller : {"ann", "bob", "cid", "dan"}) {
      line.Push(From(caller), caller);
    }
  }
  const auto serve_one = [&] {
    const auto turn = line.TryTake();
    line.End(*turn, std::chrono::microseconds(50));
    return *turn;
  };
  for (int i = 0; i < 300; ++i) serve_one();
  // All of Ann's calls are answered before the others'; so is her next one.
  for (int i = 0; i < 100; ++i) line.Push(From("bob"), "bob");
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(serve_one().lone) << i;
  line.Push(From("ann"), "ann");
  EXPECT_FALSE(serve_one().lone);
}

TEST(CallLineTest, TimeCountsNotCalls) {
  Line line({});
  for (int i = 0; i < 10; ++i) {
    line.Push(From("heavy"), "heavy");
    line.Push(From("light"), "light");
  }
  const auto served = Serve(line, 11, [](const std::string& task) {
    return task == "heavy" ? 1000 : 1;
  });
  EXPECT_EQ(std::count(served.begin(), served.end(), "light"), 10);
}

TEST(CallLineTest, NobodySavesUpTurnsByAskingNothing) {
  Line line({});
  for (int i = 0; i < 8; ++i) line.Push(From("busy"), "b");
  Serve(line, 4, [](const std::string&) { return 1000; });
  for (int i = 0; i < 4; ++i) line.Push(From("late"), "l");
  const auto served = Serve(line, 4);
  EXPECT_EQ(std::count(served.begin(), served.end(), "l"), 2);
}

TEST(CallLineTest, AStreamOfNewCallersDoesNotKeepAnOldOneWaiting) {
  Line line({});
  for (int i = 0; i < 4; ++i) line.Push(From("old"), "old");
  int served = 0;
  for (int i = 0; i < 20; ++i) {
    line.Push(From("new" + std::to_string(i)), "new");
    for (const std::string& task : Serve(line, 1)) served += task == "old";
  }
  EXPECT_GE(served, 3);
}

TEST(CallLineTest, AnAddressWithManyConnectionsHasOneShare) {
  Line line({});
  for (int i = 0; i < 50; ++i) {
    line.Push(From("conn" + std::to_string(i), "far"), "far");
  }
  for (int i = 0; i < 3; ++i) line.Push(From("ann", "near"), "near");
  EXPECT_THAT(Serve(line, 6),
              ElementsAre("far", "near", "far", "near", "far", "near"));
}

TEST(CallLineTest, TheServersOwnGoFirstThenRepliesThenTheRest) {
  Line line({});
  line.Push(From("ann"), "rest");
  line.Push({.caller = "w", .first = true}, "reply");
  line.Push({.own = true}, "own");
  EXPECT_THAT(Serve(line, 3), ElementsAre("own", "reply", "rest"));
}

TEST(CallLineTest, TheServersOwnDoNotKeepTheRestWaitingForEver) {
  Line line({});
  for (int i = 0; i < 40; ++i) line.Push({.own = true}, "own");
  line.Push(From("ann"), "rest");
  EXPECT_EQ(Serve(line, 5).back(), "rest");
  EXPECT_EQ(Serve(line, 99).size(), 36u);
}

TEST(CallLineTest, RepliesDoNotKeepTheRestWaitingForEver) {
  Line line({});
  for (int i = 0; i < 40; ++i) {
    line.Push({.caller = "w", .first = true}, "reply");
  }
  line.Push(From("ann"), "rest");
  const auto served = Serve(line, 17);
  EXPECT_EQ(served.back(), "rest");
}

TEST(CallLineTest, ACallerHasSoManyWaiting) {
  Line line({.caller_max = 2});
  EXPECT_FALSE(line.Push(From("ann"), "1"));
  EXPECT_FALSE(line.Push(From("ann"), "2"));
  const auto refused = line.Push(From("ann"), "3");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->task, "3");
  EXPECT_EQ(refused->why, Line::Why::kFull);
  EXPECT_FALSE(line.Push(From("bob"), "4"));
  // The server's own calls, and calls without a caller, have no such limit.
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(line.Push({}, "n"));
    EXPECT_FALSE(line.Push({.caller = "ann", .own = true}, "o"));
  }
}

TEST(CallLineTest, AFullLineTurnsAwayTheNewestOfWhoHasMost) {
  Line line({.waiting_max = 4});
  for (const char* task : {"1", "2", "3", "4"}) line.Push(From("flood"), task);
  auto refused = line.Push(From("flood"), "5");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->task, "5");
  refused = line.Push(From("ann"), "a");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->task, "4");
  refused = line.Push(From("far", "away"), "far");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->task, "3");
  EXPECT_FALSE(line.Push({.own = true}, "own"));
  EXPECT_THAT(Serve(line, 9), ElementsAre("own", "1", "far", "a", "2"));
}

TEST(CallLineTest, AFullLineOfSingleCallsMakesRoomForAnotherAddress) {
  Line line({.waiting_max = 3});
  for (const char* task : {"1", "2", "3"}) line.Push(From(task, "far"), task);
  EXPECT_EQ(line.Push(From("4", "far"), "4")->task, "4");
  EXPECT_NE(line.Push(From("ann", "near"), "a")->task, "a");
}

TEST(CallLineTest, OneOfAGroupRunsAtATimeWhereThatIsTheLimit) {
  Line line({.group_running_max = 1});
  line.Push(From("a"), "1");
  line.Push(From("b"), "2");
  line.Push(From("c", "away"), "3");
  const auto first = line.TryTake();
  const auto second = line.TryTake();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->task, "1");
  EXPECT_EQ(second->task, "3");
  EXPECT_FALSE(line.TryTake());
  line.End(*first, {});
  EXPECT_EQ(line.TryTake()->task, "2");
}

TEST(CallLineTest, AClosedLineTakesNoMoreAndGivesWhatItHas) {
  Line line({});
  line.Push(From("ann"), "1");
  line.Close();
  EXPECT_EQ(line.Push(From("ann"), "2")->why, Line::Why::kClosed);
  EXPECT_EQ(line.Push({.own = true}, "3")->why, Line::Why::kClosed);
  EXPECT_EQ(line.Take()->task, "1");
  EXPECT_FALSE(line.Take());
}

TEST(CallLineTest, CallersThatHaveGoneAreForgotten) {
  Line line({});
  for (int i = 0; i < 100'000; ++i) {
    line.Push(From(std::to_string(i), "g" + std::to_string(i % 100)), "x");
    auto turn = line.TryTake();
    line.End(*turn, std::chrono::milliseconds(i % 3));
  }
  EXPECT_LT(line.callers(), 10'000u);
}

}  // namespace
}  // namespace sheaf
