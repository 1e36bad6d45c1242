#include "server/scheduling/memory_board.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/types.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class MemoryBoardTest : public ::testing::Test {
 protected:
  // A batch of `rows` rows ended whose worker says that it held `bytes`, on a
  // device of a thousand bytes.
  void Tell(int rows, int64_t bytes, int ran_out = 0) {
    batching::BatchMemory memory;
    memory.rows = rows;
    memory.peak_bytes = bytes;
    memory.ran_out_rows = ran_out;
    memory_.Learn(kKind, 1000, memory);
  }
  void Restart(MemoryBoard* next) {
    for (const auto& [name, value] : memory_.TakeChanged()) {
      EXPECT_TRUE(next->Recall(name, value)) << name;
    }
  }
  MemoryBoard memory_;
};

TEST_F(MemoryBoardTest, MemoryIsTriedCarefullyAndLearned) {
  EXPECT_EQ(memory_.RowsMax(kKind), kRunsPerJobMax);
  EXPECT_EQ(memory_.RowsMaxAnywhere(kKind), kRunsPerJobMax);
  EXPECT_EQ(memory_.Recommendation(kKind, 4), "");
  Tell(1, 200);
  // The device reports its memory, so other work on it begins carefully.
  EXPECT_EQ(memory_.RowsMax({"gpu", "other", 64, 32}), 1);
  EXPECT_EQ(memory_.RowsMax({"cpu", "other", 64, 32}), kRunsPerJobMax);
  EXPECT_EQ(memory_.RowsMax(kKind), 2);
  Tell(2, 400);
  // Four hundred bytes for two rows: four fit 85% of a thousand.
  EXPECT_EQ(memory_.RowsMax(kKind), 4);
  Tell(2, 400, /*ran_out=*/4);
  EXPECT_LT(memory_.RowsMax(kKind), 4);
  EXPECT_EQ(memory_.RowsMaxAnywhere({"", "m", 64, 32}), memory_.RowsMax(kKind));
  EXPECT_THAT(memory_.Recommendation(kKind, 4),
              StartsWith("batch size 2 fits"));
  MemoryBoard next;
  Restart(&next);
  EXPECT_LT(next.RowsMax(kKind), 4);
  EXPECT_THAT(memory_.TakeChanged(), IsEmpty());
}

TEST_F(MemoryBoardTest, AWorkerThatDoesNotReportTeachesNothing) {
  Tell(0, 0);
  EXPECT_EQ(memory_.RowsMax(kKind), kRunsPerJobMax);
  EXPECT_THAT(memory_.TakeChanged(), IsEmpty());
}

TEST_F(MemoryBoardTest, TheFiguresOfOneDeviceAreNoOthers) {
  Tell(1, 100);
  EXPECT_THAT(memory_.Of("gpu"), SizeIs(1));
  EXPECT_THAT(memory_.Of(""), SizeIs(1));
  EXPECT_THAT(memory_.Of("cpu"), IsEmpty());
}

TEST_F(MemoryBoardTest, RunsWithControlsHaveALimitOfTheirOwn) {
  const auto with = [](int controls) {
    WorkKind kind = kKind;
    kind.controls = controls;
    return kind;
  };
  for (const int rows : {1, 2, 4}) Tell(rows, rows * 100);
  const int plain = memory_.RowsMax(kKind);
  ASSERT_EQ(plain, 8);
  EXPECT_EQ(memory_.RowsMax(with(3)), plain) << "of the nearest number";
  batching::BatchMemory memory;
  memory.rows = 1;
  memory.peak_bytes = 400;
  memory_.Learn(with(2), 1000, memory);
  EXPECT_EQ(memory_.RowsMax(kKind), plain);
  EXPECT_EQ(memory_.RowsMax(with(2)), 2);
  EXPECT_EQ(memory_.RowsMax(with(3)), 2);
  EXPECT_EQ(memory_.RowsMax(with(1)), 2) << "of two as near, the one with more";
  EXPECT_EQ(memory_.RowsMaxAnywhere(with(2)), 2);
  EXPECT_EQ(memory_.RowsMaxAnywhere(kKind), plain);
}

TEST_F(MemoryBoardTest, FiguresOfTheTimeBeforeIdentitiesAreNotTaken) {
  Tell(1, 200);
  const std::string value = memory_.TakeChanged().begin()->second;
  EXPECT_TRUE(memory_.Recall("memory\ngpu\nm\n64\n32\n0", value));
  EXPECT_FALSE(memory_.Recall("memory\ngpu\nm\n64\n32", value));
}

TEST_F(MemoryBoardTest, WhatDoesNotReadIsNotTaken) {
  EXPECT_FALSE(memory_.Recall("memory\ngpu\nm\n1\n1\n0", "{"));
  EXPECT_FALSE(
      memory_.Recall("memory\ngpu\nm\n1\n1\n0", std::string(100'000, ' ')));
  EXPECT_FALSE(memory_.Recall("nobody knows", "{}"));
  EXPECT_THAT(memory_.Of(""), IsEmpty());
}

TEST_F(MemoryBoardTest, WhatIsOfUseOutlivesJunk) {
  batching::BatchMemory memory;
  memory.rows = 1;
  memory.peak_bytes = 100;
  Tell(1, 100);
  for (size_t i = 0; i < 2 * RecentKinds::kMax; ++i) {
    memory_.Learn({"gpu", "junk" + std::to_string(i), 8, 8}, 1000, memory);
    // Batches of the kind end all the while, though they report nothing more.
    if (i % 1000 == 0) Tell(0, 0);
  }
  EXPECT_EQ(memory_.Of("").size(), RecentKinds::kMax);
  EXPECT_TRUE(memory_.Of("").contains(kKind));
  EXPECT_FALSE(memory_.Of("").contains({"gpu", "junk0", 8, 8}));
}

using ForgedFiguresTest = MemoryBoardTest;

TEST_F(ForgedFiguresTest, AreForgottenOnceAnHonestBatchHasRun) {
  for (const int rows : {1, 2, 4}) Tell(rows, rows * 100);
  const int honest = memory_.RowsMax(kKind);
  ASSERT_GE(honest, 4);
  Tell(1, int64_t{1} << 62, /*ran_out=*/1);
  Tell(1, 100);
  EXPECT_EQ(memory_.RowsMax(kKind), honest);
  // A board that reads the stored figures forgets the forged one, too.
  MemoryBoard next;
  Restart(&next);
  batching::BatchMemory memory;
  memory.rows = 4;
  memory.peak_bytes = 400;
  next.Learn(kKind, 1000, memory);
  EXPECT_GE(next.RowsMax(kKind), 4);
}

TEST_F(ForgedFiguresTest, AreNoMoreThanTheDeviceHas) {
  Tell(1, int64_t{1} << 62);
  ASSERT_THAT(memory_.Of(""), SizeIs(1));
  const MemoryFigures known = memory_.Of("").begin()->second;
  ASSERT_THAT(known.bounds.peaks, SizeIs(1));
  EXPECT_LE(known.bounds.peaks[0].bytes, 1000);
}

}  // namespace
}  // namespace sheaf::server
