#include "batching/continuous/fair.h"

#include <algorithm>
#include <map>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::batching {
namespace {

using ::testing::ElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1'000);

// The state with these heads waiting.
FairState WithHeads(FairState state, absl::Span<const FairHead> heads) {
  double least = ClockOf(state, heads[0].owner);
  for (const FairHead& head : heads) {
    least = std::min(least, ClockOf(state, head.owner));
  }
  return WithWaiting(std::move(state), least);
}

size_t Next(const FairState& state, absl::Span<const FairHead> heads,
            const FairOptions& options = {}) {
  return TurnOrder(state, heads, options, kNow)[0];
}

// The GPU time that each owner gets in so many turns, if all owners always have
// batches of these costs waiting.
std::map<std::string, double> Shares(const std::map<std::string, double>& costs,
                                     const FairOptions& options, int turns) {
  FairState state;
  std::map<std::string, double> got;
  std::vector<FairHead> heads;
  for (const auto& [owner, ms] : costs) heads.push_back({owner, kNow});
  for (int i = 0; i < turns; ++i) {
    state = WithHeads(std::move(state), heads);
    const std::string& owner = heads[Next(state, heads, options)].owner;
    got[owner] += costs.at(owner);
    state = Charged(std::move(state), owner, costs.at(owner), options, kNow);
  }
  return got;
}

TEST(FairTest, NobodyWaitsNobodyIsServed) {
  EXPECT_TRUE(TurnOrder({.clock_ms = {{"ann", 5}}}, {}, {}, kNow).empty());
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
  const FairHead flood[] = {{"flood", kNow}};
  for (int i = 0; i < 100; ++i) {
    state = WithHeads(std::move(state), flood);
    state = Charged(std::move(state), "flood", 1'000, {}, kNow);
  }
  const FairHead heads[] = {{"flood", kNow - absl::Hours(1)}, {"new", kNow}};
  EXPECT_EQ(Next(state, heads), 1u);
}

TEST(FairTest, NothingIsSavedUpWhileNothingWaits) {
  FairState state;
  const FairHead bob[] = {{"bob", kNow}};
  for (int i = 0; i < 100; ++i) {
    state = WithHeads(std::move(state), bob);
    state = Charged(std::move(state), "bob", 1'000, {}, kNow);
  }
  // Ann comes back after all that time: one turn ahead, not a hundred.
  const FairHead heads[] = {{"ann", kNow}, {"bob", kNow}};
  std::vector<size_t> turns;
  for (int i = 0; i < 6; ++i) {
    state = WithHeads(std::move(state), heads);
    turns.push_back(Next(state, heads));
    state =
        Charged(std::move(state), heads[turns.back()].owner, 1'000, {}, kNow);
  }
  EXPECT_THAT(turns, ElementsAre(0, 0, 1, 0, 1, 0));
}

TEST(FairTest, WhoHasWaitedTooLongForATurnGoesFirst) {
  FairOptions options;
  options.weights["ann"] = 0;  // would wait for long
  FairState state = Charged({}, "ann", 1'000, options, kNow - absl::Hours(1));
  state = Charged(std::move(state), "bob", 10, options, kNow);
  const FairHead heads[] = {{"ann", kNow - absl::Minutes(11)}, {"bob", kNow}};
  EXPECT_EQ(Next(state, heads, options), 0u);
  // An owner that waited as long but has just had turns does not go first.
  state = Charged(std::move(state), "ann", 10, options, kNow);
  EXPECT_EQ(Next(state, heads, options), 1u);
}

TEST(FairTest, ALoadedModelGoesAheadAsFarAsTheSlackAllows) {
  const FairHead heads[] = {{"ann", kNow, false}, {"bob", kNow, true}};
  FairState state = Charged({}, "bob", 9'000, {}, kNow);
  EXPECT_THAT(TurnOrder(state, heads, {}, kNow), ElementsAre(1, 0));
  state = Charged(std::move(state), "bob", 2'000, {}, kNow);
  EXPECT_THAT(TurnOrder(state, heads, {}, kNow), ElementsAre(0, 1));
}

TEST(FairTest, RandomNobodyFallsBehindByMoreThanOneBatch) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  FairState state;
  std::map<std::string, double> got;
  const std::vector<FairHead> heads = {
      {"a", kNow}, {"b", kNow}, {"c", kNow}, {"d", kNow}};
  double most = 0;
  for (int i = 0; i < 1'000; ++i) {
    state = WithHeads(std::move(state), heads);
    const std::string& owner = heads[Next(state, heads)].owner;
    const double ms = 1 + random() % 5'000;
    most = std::max(most, ms);
    got[owner] += ms;
    state = Charged(std::move(state), owner, ms, {}, kNow);
    const auto [least, best] = std::minmax_element(
        got.begin(), got.end(),
        [](const auto& x, const auto& y) { return x.second < y.second; });
    if (got.size() == 4) {
      ASSERT_LE(best->second - least->second, most);
    }
  }
}

}  // namespace
}  // namespace sheaf::batching
