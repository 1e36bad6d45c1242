// Tests which callers wait for the store, for how long, and which do not.
#include <array>
#include <thread>

#include "gmock/gmock.h"
#include "queue/error.h"
#include "tests/queue/sqlite/store_fixture.h"

namespace sheaf {
namespace {

using Length = CallOptions::Length;

// The answer of a call, and the thread on which it came.
struct Answer {
  Store::Done Take() {
    return [this](absl::Status answer) {
      status = std::move(answer);
      thread = std::this_thread::get_id();
      came.Notify();
    };
  }
  absl::Status status;
  std::thread::id thread;
  Signal came;
};

// Holds a thread of the store until it is opened.
class Held {
 public:
  Held(Store& store, CallOptions options) {
    store.Read(
        [this](View&) {
          began_.Notify();
          open_.Wait();
          return absl::OkStatus();
        },
        ended_.Take(), std::move(options));
    began_.Wait();
  }
  ~Held() { Open(); }
  void Open() {
    open_.Notify();
    ended_.came.Wait();
  }

 private:
  Signal began_, open_;
  Answer ended_;
};

class LinesTest : public StoreTest {
 protected:
  void OpenWith(int readers, int reads_max) {
    SqliteStore::Options options = MakeOptions();
    options.reader_threads = readers;
    options.reads_max = reads_max;
    Open(std::move(options));
  }
  static absl::Status Nothing(View&) { return absl::OkStatus(); }
};

TEST_F(LinesTest, ARefusalNeverComesWithinTheCall) {
  OpenWith(1, 1);
  Held held(*store_, {});
  Answer waits, refused;
  store_->Read(Nothing, waits.Take());
  // The answer may still be letting go of it when the test ends.
  const auto mutex = std::make_shared<std::mutex>();
  {
    // Callers may ask under a lock that the answer takes.
    std::lock_guard lock(*mutex);
    store_->Read(Nothing, [&, mutex](absl::Status status) {
      std::lock_guard inner(*mutex);
      refused.Take()(std::move(status));
    });
  }
  refused.came.Wait();
  EXPECT_EQ(ReasonOf(refused.status), Reason::kOverloaded);
  EXPECT_NE(refused.thread, std::this_thread::get_id());
  held.Open();
  waits.came.Wait();
  EXPECT_TRUE(waits.status.ok());
}

TEST_F(LinesTest, ARefusedWriteIsAnsweredElsewhereToo) {
  SqliteStore::Options options = MakeOptions();
  options.writes_max = 1;
  Open(std::move(options));
  Signal began, open;
  Answer first, second, refused;
  store_->Write(
      [&](Tx&) {
        began.Notify();
        open.Wait();
        return absl::OkStatus();
      },
      first.Take());
  began.Wait();
  // The answer may still be letting go of it when the test ends.
  const auto mutex = std::make_shared<std::mutex>();
  {
    std::lock_guard lock(*mutex);
    store_->Write([](Tx&) { return absl::OkStatus(); },
                  [&, mutex](absl::Status status) {
                    std::lock_guard inner(*mutex);
                    refused.Take()(std::move(status));
                  });
  }
  refused.came.Wait();
  EXPECT_EQ(ReasonOf(refused.status), Reason::kOverloaded);
  EXPECT_NE(refused.thread, std::this_thread::get_id());
  // The server's own write is never refused.
  store_->Write([](Tx&) { return absl::OkStatus(); }, second.Take(),
                {.own = true});
  open.Notify();
  first.came.Wait();
  second.came.Wait();
  EXPECT_TRUE(second.status.ok());
}

TEST_F(LinesTest, TheServersOwnReadsAreNeverRefused) {
  OpenWith(1, 1);
  Held held(*store_, {});
  std::vector<std::unique_ptr<Answer>> own;
  for (int i = 0; i < 10; ++i) {
    own.push_back(std::make_unique<Answer>());
    store_->Read(Nothing, own.back()->Take(), {.own = true});
  }
  held.Open();
  for (const auto& answer : own) {
    answer->came.Wait();
    EXPECT_TRUE(answer->status.ok());
  }
}

TEST_F(LinesTest, ShortReadsDoNotWaitForLongOnes) {
  OpenWith(1, 100);
  Held here(*store_, {.group = "here", .length = Length::kScan});
  Held there(*store_, {.group = "there", .length = Length::kScan});
  EXPECT_TRUE(Read(Nothing).ok());
}

TEST_F(LinesTest, OneAddressHasOneLongReadAtATime) {
  OpenWith(1, 100);
  Held here(*store_, {.caller = "a", .group = "here", .length = Length::kScan});
  Answer second, other;
  store_->Read(Nothing, second.Take(),
               {.caller = "b", .group = "here", .length = Length::kScan});
  store_->Read(Nothing, other.Take(),
               {.caller = "c", .group = "there", .length = Length::kScan});
  other.came.Wait();
  here.Open();
  second.came.Wait();
  EXPECT_TRUE(second.status.ok());
}

TEST_F(LinesTest, AWaitingReadWhoseCallerLeftIsNotMade) {
  OpenWith(1, 100);
  Held held(*store_, {});
  bool made = false;
  Answer answer;
  store_->Read(
      [&](View&) {
        made = true;
        return absl::OkStatus();
      },
      answer.Take(), {.cancelled = [] { return true; }});
  held.Open();
  answer.came.Wait();
  EXPECT_EQ(ReasonOf(answer.status), Reason::kCallCancelled);
  EXPECT_FALSE(made);
}

TEST_F(LinesTest, AWaitingWriteWhoseCallerLeftChangesNothing) {
  Open();
  Answer answer;
  store_->Write(
      [](Tx& tx) {
        SubmitTo(tx, 1);
        return absl::OkStatus();
      },
      answer.Take(), {.cancelled = [] { return true; }});
  answer.came.Wait();
  EXPECT_EQ(ReasonOf(answer.status), Reason::kCallCancelled);
  EXPECT_EQ(Ask("SELECT count(*) FROM jobs"), "0");
}

constexpr int kManyRuns = 20'000;

TEST_F(LinesTest, ALongReadEndsWhenItsCallerLeaves) {
  Open();
  Submit(kManyRuns);
  std::atomic<bool> left = false;
  int seen = 0;
  Answer answer;
  store_->Read(
      [&](View& view) {
        view.ForEachWaiting("default", [&](const WaitingRun&) {
          left = true;
          ++seen;
        });
        return absl::OkStatus();
      },
      answer.Take(),
      {.length = Length::kScan, .cancelled = [&] { return left.load(); }});
  answer.came.Wait();
  EXPECT_EQ(ReasonOf(answer.status), Reason::kCallCancelled);
  EXPECT_GT(seen, 0);
  EXPECT_LT(seen, kManyRuns);
  EXPECT_TRUE(Read(Nothing).ok());
}

TEST_F(LinesTest, AReadThatTakesTooLongIsRefusedAsTooMuchAndNotAsABrokenStore) {
  SqliteStore::Options options = MakeOptions();
  options.read_time_max = absl::ZeroDuration();
  Open(std::move(options));
  Submit(kManyRuns);
  const absl::Status status = Read([](View& view) {
    view.ForEachWaiting("default", [](const WaitingRun&) {});
    return absl::OkStatus();
  });
  EXPECT_EQ(ReasonOf(status), Reason::kOverloaded) << status;
}

// A group holds a closure that takes too long while it reads, and one that does
// while it writes, which SQLite answers by undoing everything.
TEST_F(LinesTest, AWriteThatTakesTooLongChangesNothingAndHarmsNoNeighbour) {
  SqliteStore::Options options = MakeOptions();
  options.closure_time_max = absl::ZeroDuration();
  options.log = [](const std::string&) {};
  Open(std::move(options));
  JobId big;
  ASSERT_TRUE(WriteAndWait(*store_, [&](Tx& tx) {
                big = SubmitTo(tx, kManyRuns);
                return absl::OkStatus();
              }).ok());
  Signal began, open;
  Answer held;
  store_->Write(
      [&](Tx&) {
        began.Notify();
        open.Wait();
        return absl::OkStatus();
      },
      held.Take());
  began.Wait();
  std::array<Answer, 4> answers;
  const auto add = [](Tx& tx) {
    SubmitTo(tx, 1);
    return absl::OkStatus();
  };
  store_->Write(add, answers[0].Take());
  store_->Write(
      [&](Tx& tx) {
        SubmitTo(tx, 1);
        tx.ForEachWaiting("default", [](const WaitingRun&) {});
        return absl::OkStatus();
      },
      answers[1].Take());
  store_->Write(
      [&](Tx& tx) {
        tx.DeleteJob(big);
        return absl::OkStatus();
      },
      answers[2].Take());
  store_->Write(add, answers[3].Take());
  open.Notify();
  for (Answer& answer : answers) answer.came.Wait();
  held.came.Wait();
  EXPECT_TRUE(answers[0].status.ok()) << answers[0].status;
  EXPECT_EQ(ReasonOf(answers[1].status), Reason::kOverloaded);
  EXPECT_EQ(ReasonOf(answers[2].status), Reason::kOverloaded);
  EXPECT_TRUE(answers[3].status.ok()) << answers[3].status;
  EXPECT_EQ(Ask("SELECT group_concat(id) FROM jobs"), "1,2,3");
  EXPECT_EQ(Ask("SELECT group_concat(sequence) FROM events"), "1,2,3");
  EXPECT_EQ(Ask("SELECT count(*) FROM runs"), std::to_string(kManyRuns + 2));
}

TEST_F(LinesTest, AFloodOfWritesKeepsAnotherCallerFromNothing) {
  SqliteStore::Options options = MakeOptions();
  options.group_max = 1;
  Open(std::move(options));
  Signal began, open, all;
  store_->Write(
      [&](Tx&) {
        began.Notify();
        open.Wait();
        return absl::OkStatus();
      },
      [](absl::Status) {}, {.caller = "flood", .group = "far"});
  began.Wait();
  std::vector<std::string> order;
  constexpr int kFlood = 200;
  const auto write = [&](const std::string& caller, const std::string& group) {
    store_->Write([](Tx&) { return absl::OkStatus(); },
                  [&, caller](absl::Status) {
                    order.push_back(caller);
                    if (order.size() == kFlood + 1) all.Notify();
                  },
                  {.caller = caller, .group = group});
  };
  for (int i = 0; i < kFlood; ++i) write("flood", "far");
  write("ann", "near");
  open.Notify();
  all.Wait();
  const auto at = std::find(order.begin(), order.end(), "ann");
  EXPECT_LT(at - order.begin(), 3);
}

}  // namespace
}  // namespace sheaf
