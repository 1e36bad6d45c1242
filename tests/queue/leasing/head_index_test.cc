#include "queue/leasing/head_index.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "queue/jobs.h"
#include "queue/leasing/finish.h"
#include "tests/base/seed.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// All that the index says, as text.
std::string Text(HeadIndex& index) {
  std::vector<std::string> lines;
  for (const HeadIndex::Group* group : index.GroupsOf({})) {
    for (size_t i = 0; i < group->levels.size(); ++i) {
      const HeadIndex::Level& level = group->levels[i];
      const std::string name =
          absl::StrCat(group->lane.queue, " ", group->lane.model, " ", i);
      for (const HeadIndex::Standing& standing : level.standings) {
        std::string line = absl::StrCat(name, " rank ", standing.rank, ":");
        for (const HeadIndex::Place& place : standing.owner->heads) {
          absl::StrAppend(&line, " ", NameOf(place.run));
        }
        lines.push_back(line);
      }
      for (const HeadIndex::Place& place : level.due) {
        lines.push_back(absl::StrCat(name, " due ", NameOf(place.run)));
      }
      for (const auto& [shape, places] : level.shapes) {
        for (const HeadIndex::Place& place : places) {
          lines.push_back(
              absl::StrCat(name, " ", shape.width, " ", NameOf(place.run)));
        }
      }
      for (const HeadIndex::Place& place : level.later) {
        lines.push_back(absl::StrCat(name, " later ", NameOf(place.run)));
      }
    }
  }
  return absl::StrJoin(lines, "\n");
}

class HeadIndexTest : public UseCaseTest {
 protected:
  std::string Indexed() {
    return Write([&](Tx& tx) {
      index_.Refresh(tx);
      return Text(index_);
    });
  }
  // The owners whose turn it is, in order, at one priority.
  std::vector<std::string> Turns(Priority priority = Priority::kNormal) {
    return Write([&](Tx& tx) {
      index_.Refresh(tx);
      std::vector<std::string> owners;
      for (const HeadIndex::Group* group : index_.GroupsOf({})) {
        for (const auto& standing : group->at(priority).standings) {
          owners.push_back(index_.LaneAt(standing.first).owner);
        }
      }
      return owners;
    });
  }
  size_t Later() {
    return Write([&](Tx& tx) {
      index_.Refresh(tx);
      size_t later = 0;
      for (const HeadIndex::Group* group : index_.GroupsOf({})) {
        for (const auto& level : group->levels) later += level.later.size();
      }
      return later;
    });
  }

  std::map<std::string, double> ranks_;
  HeadIndex index_{[this](const std::string& owner) { return ranks_[owner]; }};
};
SHEAF_FOR_ALL_STORES(HeadIndexTest);

TEST_P(HeadIndexTest, OwnersStandByRankAndEqualOnesByAge) {
  ranks_ = {{"ann", 2}, {"bob", 1}, {"cid", 1}};
  Submit({.owner = "ann"});
  Submit({.owner = "cid"});
  clock_.Advance(absl::Seconds(1));
  Submit({.owner = "bob"});
  EXPECT_THAT(Turns(), ElementsAre("cid", "bob", "ann"));
  ranks_["cid"] = 3;
  index_.Rank("cid", 3);
  index_.Rank("nobody", 7);
  EXPECT_THAT(Turns(), ElementsAre("bob", "ann", "cid"));
}

TEST_P(HeadIndexTest, AnOwnerThatComesBackHasItsPresentRank) {
  const Job job = Submit({.owner = "ann"});
  Submit({.owner = "bob"});
  EXPECT_THAT(Turns(), ElementsAre("ann", "bob"));
  (void)Write([&](Tx& tx) { return CancelJob(tx, job.id, {}); });
  EXPECT_THAT(Turns(), ElementsAre("bob"));
  ranks_["ann"] = 5;
  Submit({.owner = "ann"});
  EXPECT_THAT(Turns(), ElementsAre("bob", "ann"));
}

TEST_P(HeadIndexTest, ARunTakesItsPlaceWhenItsTimeComes) {
  Submit({.run_time = clock_.now() + absl::Hours(1)});
  EXPECT_THAT(Turns(), IsEmpty());
  EXPECT_EQ(Later(), 1u);
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Turns(), ElementsAre(""));
  EXPECT_EQ(Later(), 0u);
}

// A lane has one due head, the highest; above it stand those that are not due.
TEST_P(HeadIndexTest, AHigherRunThatComesDueTakesTheLanesTurn) {
  Submit({.priority = Priority::kLow});
  Submit(
      {.priority = Priority::kHigh, .run_time = clock_.now() + absl::Hours(1)});
  EXPECT_THAT(Turns(Priority::kLow), ElementsAre(""));
  EXPECT_THAT(Turns(Priority::kHigh), IsEmpty());
  EXPECT_EQ(Later(), 1u);
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Turns(Priority::kLow), IsEmpty());
  EXPECT_THAT(Turns(Priority::kHigh), ElementsAre(""));
  EXPECT_EQ(index_.size(), 1u);
}

TEST_P(HeadIndexTest, AWorkersModelsLeadToTheirGroups) {
  for (const char* model : {"a", "b", "c", ""}) {
    NewJob job;
    if (*model != '\0') job.shared.model = model;
    Submit(job);
  }
  (void)Indexed();
  const auto models = [&](const std::vector<std::string>& served) {
    std::vector<std::string> found;
    for (const auto* group : index_.GroupsOf(served)) {
      found.push_back(group->lane.model);
    }
    return found;
  };
  EXPECT_THAT(models({"b"}), ElementsAre("", "b"));
  EXPECT_THAT(models({"c", "x", "a"}), ElementsAre("", "c", "a"));
  EXPECT_EQ(models({}).size(), 4u);
}

// Closures that fail leave no trace in the index either, though it was read
// within them.
TEST_P(HeadIndexTest, AClosureThatFailsIsForgotten) {
  Submit({.owner = "ann"});
  const std::string before = Indexed();
  const absl::Status status = WriteAndWait(*store_, [&](Tx& tx) {
    EXPECT_TRUE(sheaf::Submit(tx, MakeJob({.owner = "bob"})).ok());
    index_.Refresh(tx);
    EXPECT_NE(Text(index_), before);
    return absl::AbortedError("no");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Indexed(), before);
}

TEST_P(HeadIndexTest, RandomChangesLeaveItAsAFreshOneWouldBe) {
  const uint32_t seed = TestSeed();
  std::mt19937_64 random(seed);
  const auto roll = [&](int n) { return static_cast<int>(random() % n); };
  std::vector<Leased> held;
  for (int i = 0; i < 400; ++i) {
    switch (roll(6)) {
      case 0:
      case 1: {
        NewJob job;
        job.owner = absl::StrCat("owner-", roll(5));
        job.shared.model = absl::StrCat("model-", roll(3));
        job.shared.width = job.shared.height = 64 * (1 + roll(2));
        job.priority = static_cast<Priority>(1 + roll(4));
        job.runs = Runs(1 + roll(3));
        if (roll(3) == 0) {
          job.run_time = clock_.now() + absl::Seconds(roll(40));
        }
        Submit(job);
        break;
      }
      case 2:
      case 3: {
        const auto leased = Write([&](Tx& tx) {
          return sheaf::Lease(tx, MakeWorker({}), kLease).leased;
        });
        if (leased) held.push_back(*leased);
        break;
      }
      case 4:
        if (!held.empty()) {
          (void)Write([&](Tx& tx) {
            return ReleaseLease(tx, ClaimOf(held.back().batch));
          });
          held.pop_back();
        }
        break;
      default:
        clock_.Advance(absl::Seconds(roll(20)));
    }
    if (roll(3) == 0) {
      ASSERT_EQ(Indexed(), Write([&](Tx& tx) {
                  HeadIndex fresh;
                  fresh.Rebuild(tx);
                  return Text(fresh);
                }))
          << "step " << i << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace sheaf
