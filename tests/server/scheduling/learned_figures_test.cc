#include "server/scheduling/learned_figures.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class LearnedFiguresTest : public ::testing::Test {
 protected:
  // A batch ended in twice the predicted time, and said what it held.
  void Tell(int rows = 1, int64_t bytes = 100) {
    batching::BatchMemory memory;
    memory.rows = rows;
    memory.peak_bytes = bytes;
    memory_.Learn(kKind, 1000, memory);
    prices_.Learn(prices_.Predict(RowsLike(BatchOf(1)), kKind),
                  absl::Milliseconds(200));
  }
  PricesBoard prices_{Flat()};
  MemoryBoard memory_;
  LearnedFigures learned_{&prices_, &memory_, {}};
};

TEST_F(LearnedFiguresTest, SayWhatIsKnownOfEachKind) {
  EXPECT_THAT(learned_.Figures(), IsEmpty());
  batching::Profile measured;
  measured.step = {7, 0, 0};
  prices_.Measured(kKind, measured);
  ASSERT_THAT(learned_.Figures("gpu"), SizeIs(1));
  EXPECT_EQ(learned_.Figures("gpu")[0].recommendation, "31 is the knee");
  EXPECT_EQ(learned_.Recommendation(kKind), "");
  Tell(2, 400);
  const auto figures = learned_.Figures("gpu");
  ASSERT_THAT(figures, SizeIs(1));
  EXPECT_TRUE(figures[0].measured);
  EXPECT_EQ(figures[0].profile, "gpu, m, 64x32");
  EXPECT_EQ(figures[0].budget, 850);
  EXPECT_EQ(figures[0].recommendation, learned_.Recommendation(kKind));
  EXPECT_EQ(figures[0].rows_max, 4);
  ASSERT_THAT(figures[0].held.peaks, SizeIs(1));
  EXPECT_EQ(figures[0].held.peaks[0].bytes, 400);
  EXPECT_EQ(figures[0].held.peaks[0].rows, 2);
  EXPECT_THAT(learned_.Figures("cpu"), IsEmpty());
}

TEST_F(LearnedFiguresTest, AreForgottenByName) {
  Tell();
  prices_.Measured({"other", "n", 8, 8}, Flat());
  EXPECT_EQ(learned_.Forget("nobody"), 0);
  EXPECT_EQ(learned_.Forget("m"), 1) << "its price and its memory are one kind";
  EXPECT_THAT(prices_.All(), IsEmpty());
  EXPECT_THAT(memory_.Of(""), IsEmpty());
  EXPECT_TRUE(prices_.HasMeasured("other", "n"));
  EXPECT_EQ(learned_.Forget("oth"), 0);
  EXPECT_EQ(learned_.Forget("other"), 1);
  EXPECT_FALSE(prices_.HasMeasured("other", "n"));
  Tell();
  EXPECT_EQ(learned_.Forget(""), 1);
  const auto changed = learned_.TakeChanged();
  EXPECT_THAT(changed, SizeIs(3));
  for (const auto& [name, value] : changed) EXPECT_EQ(value, "") << name;
}

TEST_F(LearnedFiguresTest, OfADeviceGoByTheBeginningOfItsName) {
  prices_.Measured({"cuda: L40S, 45 GiB; driver 1", "m", 8, 8}, Flat());
  prices_.Measured({"cuda: L4, 22 GiB; driver 1", "m", 8, 8}, Flat());
  EXPECT_EQ(learned_.Forget("cuda: L40S"), 1);
  EXPECT_EQ(learned_.Forget("cuda: L"), 0);
  EXPECT_EQ(learned_.Forget("cuda"), 1);
}

TEST_F(LearnedFiguresTest, AreStoredOnceAndReadBack) {
  Tell();
  prices_.Measured({"other", "n", 8, 8}, Flat());
  const auto changed = learned_.TakeChanged();
  EXPECT_THAT(changed, SizeIs(3));
  EXPECT_THAT(learned_.TakeChanged(), IsEmpty());
  PricesBoard prices(Flat());
  MemoryBoard memory;
  LearnedFigures again(&prices, &memory, changed);
  EXPECT_EQ(prices.All(), prices_.All());
  EXPECT_TRUE(prices.HasMeasured("other", "n"));
  // The budget is known again when a batch reports.
  EXPECT_GE(memory.RowsMax(kKind), 1);
  EXPECT_THAT(again.Figures(), SizeIs(2));
  EXPECT_THAT(again.TakeChanged(), IsEmpty());
}

TEST_F(LearnedFiguresTest, ThatDoNotReadAreForgotten) {
  PricesBoard prices(Flat());
  MemoryBoard memory;
  LearnedFigures learned(
      &prices, &memory,
      {{"profile1\ngpu\nm\n1\n1\n0", "{"},
       {"memory\ngpu\nm\n1\n1\n0", std::string(100'000, ' ')},
       {"nobody knows", "{}"}});
  const auto changed = learned.TakeChanged();
  EXPECT_THAT(changed, SizeIs(3));
  for (const auto& [name, value] : changed) EXPECT_EQ(value, "") << name;
}

}  // namespace
}  // namespace sheaf::server
