#include "server/scheduling/worker_places.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

class WorkerPlacesTest : public ::testing::Test {
 protected:
  WorkerPlacesTest() {
    lane_.queue = "default";
    lane_.kind = "inference";
    lane_.model = "m";
  }
  Lessee Worker(int64_t id, const std::string& device = "gpu") {
    return {.id = WorkerId{id}, .device = device};
  }
  void Wait(int64_t id, const std::string& device = "gpu") {
    places_.Waits(Worker(id, device));
  }
  void Load(int64_t id, const std::string& model = "m") {
    places_.SetLoaded(WorkerId{id}, model, "");
  }
  // The others that worker 1 meets, each with the time until it is free.
  std::vector<std::pair<int64_t, double>> Rivals() {
    std::vector<std::pair<int64_t, double>> rivals;
    for (const WorkerPlace& place : places_.Rivals(Worker(1), lane_, kNow)) {
      rivals.emplace_back(place.who.id.value, place.free_ms);
    }
    return rivals;
  }
  std::vector<int64_t> Idle(int64_t last = 0) {
    std::vector<int64_t> idle;
    for (const WorkerPlace& place :
         places_.Idle(Worker(1), lane_, WorkerId{last})) {
      idle.push_back(place.who.id.value);
    }
    return idle;
  }

  Lane lane_;
  std::map<WorkerId, double> free_in_;
  WorkerPlaces places_{
      {.taker = [this](WorkerId id) { return Worker(id.value); },
       .free_in = [this](WorkerId id, absl::Time) -> std::optional<double> {
         const auto found = free_in_.find(id);
         if (found == free_in_.end()) return std::nullopt;
         return found->second;
       }}};
};

TEST_F(WorkerPlacesTest, AWorkerHasTheModelThatItWasGivenLast) {
  EXPECT_FALSE(places_.IsLoaded(WorkerId{1}, lane_));
  EXPECT_EQ(places_.LoadedModel(WorkerId{1}), "");
  Load(1);
  EXPECT_TRUE(places_.IsLoaded(WorkerId{1}, lane_));
  EXPECT_EQ(places_.LoadedModel(WorkerId{1}), "m");
  Load(1, "other");
  EXPECT_FALSE(places_.IsLoaded(WorkerId{1}, lane_));
  EXPECT_EQ(places_.LoadedModel(WorkerId{1}), "other");
}

TEST_F(WorkerPlacesTest, RivalsAreThoseThatHaveTheModel) {
  Load(2);
  Load(3);
  Load(4);
  Load(5, "other");
  Wait(2, "a");
  free_in_[WorkerId{3}] = 700;
  EXPECT_THAT(Rivals(),
              UnorderedElementsAre(Pair(2, 0), Pair(2, 0), Pair(3, 700)))
      << "2 is also the first of its device; nobody can tell of 4";
}

TEST_F(WorkerPlacesTest, OfThoseWithoutTheModelOneOfADeviceIsARival) {
  Wait(1);
  Wait(2);
  Wait(3);
  Wait(4, "slow");
  EXPECT_THAT(Rivals(), UnorderedElementsAre(Pair(2, 0), Pair(4, 0)));
}

TEST_F(WorkerPlacesTest, AWorkerThatIsBeingHandedABatchIsNoRival) {
  Wait(2);
  places_.SetTaking(WorkerId{2}, true);
  EXPECT_THAT(Rivals(), IsEmpty());
  EXPECT_THAT(Idle(), IsEmpty());
  places_.SetTaking(WorkerId{2}, false);
  EXPECT_THAT(Idle(), ElementsAre(2));
  places_.SetTaking(WorkerId{2}, true);
  places_.WaitsNoMore(WorkerId{2});
  Wait(2);
  EXPECT_THAT(Idle(), ElementsAre(2)) << "it waits anew";
}

TEST_F(WorkerPlacesTest, AWorkerWaitsAsLongAsOneOfItsCallsDoes) {
  Wait(2);
  Wait(2);
  places_.WaitsNoMore(WorkerId{2});
  EXPECT_THAT(Idle(), ElementsAre(2));
  places_.WaitsNoMore(WorkerId{2});
  EXPECT_THAT(Idle(), IsEmpty());
  places_.WaitsNoMore(WorkerId{2});
  EXPECT_THAT(Idle(), IsEmpty());
}

TEST_F(WorkerPlacesTest, IdleOnesStandInARingThatBeginsAfterTheLast) {
  for (int64_t id = 1; id <= 4; ++id) Wait(id);
  EXPECT_THAT(Idle(), ElementsAre(2, 3, 4));
  EXPECT_THAT(Idle(3), ElementsAre(4, 2, 3));
  EXPECT_THAT(Idle(9), ElementsAre(2, 3, 4));
}

TEST_F(WorkerPlacesTest, IdleOnesWithTheModelAreNamedAsFarAsAsked) {
  for (int64_t id = 1; id <= 5; ++id) Wait(id);
  for (int64_t id = 2; id <= 4; ++id) Load(id);
  EXPECT_THAT(places_.IdleWithModel(lane_, 9),
              ElementsAre(WorkerId{2}, WorkerId{3}, WorkerId{4}));
  EXPECT_THAT(places_.IdleWithModel(lane_, 2),
              ElementsAre(WorkerId{2}, WorkerId{3}));
  places_.WaitsNoMore(WorkerId{3});
  EXPECT_THAT(places_.IdleWithModel(lane_, 9),
              ElementsAre(WorkerId{2}, WorkerId{4}));
  lane_.model = "other";
  EXPECT_THAT(places_.IdleWithModel(lane_, 9), IsEmpty());
}

TEST_F(WorkerPlacesTest, WorkersThatDoNotServeTheLaneAreLeftOut) {
  Lessee night = Worker(2);
  night.queues = {"night"};
  places_.Waits(night);
  Load(2);
  EXPECT_THAT(Rivals(), IsEmpty());
  EXPECT_THAT(Idle(), IsEmpty());
  EXPECT_THAT(places_.IdleWithModel(lane_, 9), IsEmpty());
}

}  // namespace
}  // namespace sheaf::server
