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
std::string Text(Tx& tx, HeadIndex& index, const Names& kinds = {},
                 const Names& models = {}) {
  const Names queues;
  const HeadIndex::Served served{queues, kinds, models};
  index.Keep(tx, served);
  std::vector<std::string> lines;
  for (const HeadIndex::Group* group : index.GroupsOf(served)) {
    for (size_t i = 0; i < group->levels.size(); ++i) {
      const HeadIndex::Level& level = group->levels[i];
      const std::string name =
          absl::StrCat(group->lane.queue, " ", group->lane.kind, " ",
                       group->lane.model, " ", i);
      for (const HeadIndex::Standing& standing : level.standings) {
        std::string line = absl::StrCat(name, " turn ", standing.rank, ":");
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
          lines.push_back(absl::StrCat(name, " ", shape.model, " ", shape.width,
                                       " ", NameOf(place.run)));
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
  const Names anything_;
  const HeadIndex::Served all_{anything_, anything_, anything_};

  std::string Indexed() {
    return Write([&](Tx& tx) {
      index_.Refresh(tx);
      return Text(tx, index_);
    });
  }
  // The owners whose turn it is, in order, at one priority.
  std::vector<std::string> Turns(Priority priority = Priority::kNormal) {
    return Write([&](Tx& tx) {
      index_.Refresh(tx);
      index_.Keep(tx, all_);
      std::vector<std::string> owners;
      for (const HeadIndex::Group* group : index_.GroupsOf(all_)) {
        for (const HeadIndex::Standing& standing :
             group->at(priority).standings) {
          owners.push_back(index_.LaneAt(standing.first).owner);
        }
      }
      return owners;
    });
  }
  size_t Later() {
    return Write([&](Tx& tx) {
      index_.Refresh(tx);
      index_.Keep(tx, all_);
      size_t later = 0;
      for (const HeadIndex::Group* group : index_.GroupsOf(all_)) {
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
  index_.NoteRank("cid");
  index_.NoteRank("nobody");
  EXPECT_THAT(Turns(), ElementsAre("bob", "ann", "cid"));
}

TEST_P(HeadIndexTest, AGroupThatWasLongLeftAloneKnowsTodaysRanks) {
  ranks_ = {{"ann", 2}, {"bob", 1}};
  Submit({.owner = "ann"});
  Submit({.owner = "bob"});
  EXPECT_THAT(Turns(), ElementsAre("bob", "ann"));
  ranks_["bob"] = 3;
  index_.NoteRank("bob");
  for (int i = 0; i < 5000; ++i) index_.NoteRank("nobody");
  EXPECT_THAT(Turns(), ElementsAre("ann", "bob"));
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

TEST_P(HeadIndexTest, WhatAWorkerServesLeadsToItsGroups) {
  for (const char* kind : {"paint", "print"}) {
    for (const char* model : {"a", "b", "c", ""}) {
      NewJob job{.kind = kind};
      if (*model != '\0') job.shared.model = model;
      Submit(job);
    }
  }
  const auto groups = [&](const Names& queues, const Names& kinds,
                          const Names& models) {
    return Write([&](Tx& tx) {
      index_.Refresh(tx);
      const HeadIndex::Served served{queues, kinds, models};
      index_.Keep(tx, served);
      std::vector<std::string> found;
      for (const auto* group : index_.GroupsOf(served)) {
        size_t heads = 0;
        for (const auto& level : group->levels) heads += level.due.size();
        found.push_back(absl::StrCat(group->lane.kind, "/", group->lane.model,
                                     ": ", heads));
      }
      return found;
    });
  };
  EXPECT_THAT(groups({}, {"paint"}, {"b"}),
              ElementsAre("paint/: 1", "paint/b: 1"));
  EXPECT_THAT(groups({}, {"print"}, {"c", "x", "a", "c"}),
              ElementsAre("print/: 1", "print/c: 1", "print/a: 1"));
  EXPECT_THAT(groups({}, {"print", "paint"}, {"x"}),
              ElementsAre("print/: 1", "paint/: 1"));
  // Any kind, any model, or both are one group, however many there are.
  EXPECT_THAT(groups({}, {}, {"b"}), ElementsAre("/: 2", "/b: 2"));
  EXPECT_THAT(groups({}, {"paint", "mend"}, {"*"}), ElementsAre("paint/: 4"));
  EXPECT_THAT(groups({}, {"*"}, {}), ElementsAre("/: 8"));
  EXPECT_THAT(groups({"other"}, {}, {}), IsEmpty());
  // A worker with more models than there are groups finds the same.
  std::vector<std::string> many = {"b", "a"};
  for (int i = 0; i < 20; ++i) many.push_back(absl::StrCat("model-", i));
  EXPECT_THAT(groups({}, {"paint"}, many),
              ElementsAre("paint/: 1", "paint/a: 1", "paint/b: 1"));
}

// Closures that fail leave no trace in the index either, though it was read
// within them.
TEST_P(HeadIndexTest, AClosureThatFailsIsForgotten) {
  Submit({.owner = "ann"});
  const std::string before = Indexed();
  const absl::Status status = WriteAndWait(*store_, [&](Tx& tx) {
    EXPECT_TRUE(sheaf::Submit(tx, MakeJob({.owner = "bob"})).ok());
    index_.Refresh(tx);
    EXPECT_NE(Text(tx, index_), before);
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
    switch (roll(7)) {
      case 0:
      case 1: {
        NewJob job;
        job.owner = absl::StrCat("owner-", roll(5));
        job.kind = absl::StrCat("kind-", roll(2));
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
      case 5:
        clock_.Advance(absl::Seconds(roll(20)));
        break;
      default: {
        const std::string owner = absl::StrCat("owner-", roll(5));
        ranks_[owner] = roll(4);
        index_.NoteRank(owner);
      }
    }
    if (roll(3) != 0) continue;
    // Each form is asked for now and then: the first time, others are kept.
    const Names kinds = roll(2) == 0 ? Names() : Names{"kind-1", "kind-0"};
    const Names models =
        roll(2) == 0 ? Names() : Names{"model-2", "model-0", "model-7"};
    const auto [kept, anew] = Write([&](Tx& tx) {
      index_.Refresh(tx);
      HeadIndex fresh(
          [this](const std::string& owner) { return ranks_[owner]; });
      return std::pair(Text(tx, index_, kinds, models),
                       Text(tx, fresh, kinds, models));
    });
    ASSERT_EQ(kept, anew) << "step " << i << ", seed " << seed;
  }
}

}  // namespace
}  // namespace sheaf
