#include "batching/fair.h"

#include <map>
#include <random>

#include "gtest/gtest.h"

namespace sheaf::batching {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'000);

// GPU time each owner gets in so many turns, all always waiting with batches
// of these costs.
std::map<std::string, double> Shares(const std::map<std::string, double>& costs,
                                     const FairOptions& options, int turns) {
  FairState state;
  std::map<std::string, double> got;
  for (int i = 0; i < turns; ++i) {
    std::vector<OwnerHead> heads;
    for (const auto& [owner, ms] : costs) heads.push_back({owner, ms, kNow});
    Turn turn = NextTurn(state, heads, options, kNow);
    got[heads[*turn.head].owner] += heads[*turn.head].ms;
    state = std::move(turn.state);
  }
  return got;
}

TEST(FairTest, NobodyWaitsNobodyIsServed) {
  const Turn turn = NextTurn({.deficit_ms = {{"ann", 5}}}, {}, {}, kNow);
  EXPECT_FALSE(turn.head.has_value());
  EXPECT_TRUE(turn.state.deficit_ms.empty());
}

TEST(FairTest, OwnersShareGpuTimeNotTurns) {
  const auto got = Shares({{"ann", 100}, {"bob", 3'000}}, {}, 2'000);
  EXPECT_NEAR(got.at("ann") / got.at("bob"), 1, 0.1);
}

TEST(FairTest, WeightsDivideTheTime) {
  FairOptions options;
  options.weights["bob"] = 3;
  const auto got =
      Shares({{"ann", 500}, {"bob", 700}, {"cid", 900}}, options, 3'000);
  EXPECT_NEAR(got.at("bob") / got.at("ann"), 3, 0.2);
  EXPECT_NEAR(got.at("cid") / got.at("ann"), 1, 0.1);
}

TEST(FairTest, AFloodDoesNotDelayANewcomer) {
  FairState state;
  for (int i = 0; i < 100; ++i) {
    state = NextTurn(state, {{{"flood", 1'000, kNow}}}, {}, kNow).state;
  }
  const OwnerHead heads[] = {{"flood", 1'000, kNow}, {"new", 1'000, kNow}};
  const Turn turn = NextTurn(state, heads, {}, kNow);
  EXPECT_EQ(turn.head, 1u);
}

TEST(FairTest, SavingsLapseWhenNothingWaits) {
  FairState state = {.deficit_ms = {{"ann", 50'000}}};
  state = NextTurn(state, {{{"bob", 10, kNow}}}, {}, kNow).state;
  EXPECT_FALSE(state.deficit_ms.contains("ann"));
}

TEST(FairTest, WhoHasWaitedTooLongGoesFirst) {
  FairOptions options;
  options.weights["ann"] = 0;  // would wait for ever
  const OwnerHead heads[] = {{"ann", 60'000, kNow - absl::Minutes(11)},
                             {"bob", 10, kNow}};
  const Turn turn = NextTurn({}, heads, options, kNow);
  EXPECT_EQ(turn.head, 0u);
  EXPECT_LT(turn.state.deficit_ms.at("ann"), 0);
}

}  // namespace
}  // namespace sheaf::batching
