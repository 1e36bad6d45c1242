#include "server/liveness/vital_signs.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "base/runner.h"
#include "base/timer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/admission/listeners.h"
#include "tests/base/fake_steady_clock.h"
#include "tests/queue/builders.h"
#include "tests/queue/memory_store.h"
#include "tests/queue/stores.h"
#include "tests/server/liveness/health_server.h"
#include "tests/server/liveness/manager_socket.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// A store with a thread of its own, which answers nothing while it sleeps.
class SleepyStore final : public Store {
 public:
  explicit SleepyStore(const TestClock* clock) : store_(clock) {}

  void Sleep(bool writes, bool reads) {
    const std::lock_guard lock(mutex_);
    writes_sleep_ = writes;
    reads_sleep_ = reads;
  }
  void Wake() {
    std::vector<Runner::Task> held;
    {
      const std::lock_guard lock(mutex_);
      writes_sleep_ = reads_sleep_ = false;
      held = std::exchange(held_, {});
    }
    for (Runner::Task& task : held) runner_.Run(std::move(task));
  }
  // Waits until all questions so far are answered, if writes are awake. A lease
  // asks the store twice, one question after the other.
  void Settle() {
    {
      const std::lock_guard lock(mutex_);
      if (writes_sleep_) return;
    }
    for (int i = 0; i < 3; ++i) {
      (void)WriteAndWait(*this, [](Tx&) { return absl::OkStatus(); });
    }
  }

 private:
  void StartWrite(WriteCase use_case, Done done, CallOptions options) override {
    Do(&SleepyStore::writes_sleep_,
       [this, use_case = std::move(use_case), done = std::move(done),
        options = std::move(options)]() mutable {
         store_.Write(std::move(use_case), std::move(done), std::move(options));
       });
  }
  void StartRead(ReadCase use_case, Done done, CallOptions options) override {
    Do(&SleepyStore::reads_sleep_,
       [this, use_case = std::move(use_case), done = std::move(done),
        options = std::move(options)]() mutable {
         store_.Read(std::move(use_case), std::move(done), std::move(options));
       });
  }
  void Do(bool SleepyStore::*sleeps, Runner::Task task) {
    {
      const std::lock_guard lock(mutex_);
      if (this->*sleeps) {
        held_.push_back(std::move(task));
        return;
      }
    }
    runner_.Run(std::move(task));
  }

  MemoryStore store_;
  std::mutex mutex_;
  bool writes_sleep_ = false;       // guarded by mutex_
  bool reads_sleep_ = false;        // guarded by mutex_
  std::vector<Runner::Task> held_;  // guarded by mutex_
  Runner runner_;                   // last: it uses the rest
};

// The signs of a server that consists of the parts that they check.
class VitalSignsTest : public ::testing::Test {
 protected:
  ~VitalSignsTest() override {
    if (signs_ != nullptr) signs_->Stop();
    store_.Wake();
    store_.Settle();
    waiters_.Stop();
    timer_.Stop();
  }

  void Start(const std::string& address, const AcceptLoop& loop) {
    signs_ = std::make_unique<VitalSigns>(
        VitalSigns::Parts{
            .store = &store_,
            .lease_waiters = &waiters_,
            .now = [this] { return wall_.now(); },
            .accept_loop = &loop,
            .address = address,
            .commits = [] { return 0; },
            .upkeep_problem = [this] { return Get(upkeep_); },
            .may_serve = [this] { return Get(may_serve_); },
            .set_serving = [this](bool serving) { Set(&serving_, serving); },
            .clock = &steady_},
        ServiceManager(manager_.name(), /*wants_watchdog=*/true));
    signs_->Start();
    ASSERT_TRUE(steady_.WaitForWaiters());
  }
  // Nobody listens there, and nobody is refused.
  void StartWithoutConnections() { Start(SocketAddress("vital"), idle_loop_); }

  // So many seconds pass. In each the signs are looked at, and the store, if it
  // is awake, answers.
  void Pass(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      steady_.Advance(absl::Seconds(1));
      ASSERT_TRUE(steady_.WaitForWaiters());
      store_.Settle();
    }
  }
  // Whether this comes true while gRPC answers by its own clock.
  template <class Holds>
  static bool ComesTrue(Holds holds, absl::Duration limit = absl::Seconds(10)) {
    const absl::Time end = SteadyClock::Real()->Now() + limit;
    while (!holds()) {
      if (SteadyClock::Real()->Now() > end) return false;
      absl::SleepFor(absl::Milliseconds(1));
    }
    return true;
  }

  template <class T>
  T Get(const T& value) {
    const std::lock_guard lock(mutex_);
    return value;
  }
  template <class T>
  void Set(T* to, T value) {
    const std::lock_guard lock(mutex_);
    *to = std::move(value);
  }
  bool serving() { return Get(serving_); }

  TestClock wall_;
  FakeSteadyClock steady_;
  SleepyStore store_{&wall_};
  Timer timer_;
  WorkerRegistry workers_;
  StatsBoard stats_;
  WorkerPlaces places_{
      {.taker = [](WorkerId) { return std::nullopt; },
       .free_in = [](WorkerId, absl::Time) { return std::nullopt; }}};
  LeaseWaiters waiters_{{.store = &store_,
                         .timer = &timer_,
                         .workers = &workers_,
                         .places = &places_,
                         .stats = &stats_,
                         .now = [this] { return wall_.now(); },
                         .lease_duration = kLease}};
  AcceptLoop idle_loop_{{}, {}, [](int, int) {}};
  const ManagerSocket manager_;
  std::mutex mutex_;
  std::string upkeep_;     // guarded by mutex_
  bool may_serve_ = true;  // guarded by mutex_
  bool serving_ = false;   // guarded by mutex_
  std::unique_ptr<VitalSigns> signs_;
};

TEST_F(VitalSignsTest, PartsThatDoNotAnswerAreNamedAndTheServerServesNoMore) {
  store_.Sleep(/*writes=*/true, /*reads=*/true);
  StartWithoutConnections();
  Pass(15);
  EXPECT_TRUE(serving());
  EXPECT_THAT(signs_->Problems(), IsEmpty());
  EXPECT_TRUE(signs_->ReadsWork());
  Pass(1);
  EXPECT_THAT(signs_->Problems(),
              UnorderedElementsAre(
                  HasSubstr("writes have"), HasSubstr("reads have"),
                  HasSubstr("leases have"), HasSubstr("new connections")));
  EXPECT_FALSE(signs_->ReadsWork());
  EXPECT_FALSE(serving());
}

TEST_F(VitalSignsTest, TheManagerHearsNothingMoreFromAServerThatIsDead) {
  store_.Sleep(/*writes=*/true, /*reads=*/true);
  StartWithoutConnections();
  Pass(30);
  EXPECT_EQ(manager_.HeardLast(), "WATCHDOG=1");
  Pass(3);
  EXPECT_EQ(manager_.HeardLast(), "(nothing)");
}

TEST_F(VitalSignsTest, AServerThatAnswersAgainServesAgain) {
  store_.Sleep(/*writes=*/true, /*reads=*/true);
  StartWithoutConnections();
  Pass(40);
  EXPECT_FALSE(serving());
  store_.Wake();
  const HealthServer health(SocketAddress("vital"));
  Pass(5);
  EXPECT_TRUE(ComesTrue([&] { return signs_->Problems().empty(); }));
  manager_.HeardLast();
  Pass(1);
  EXPECT_TRUE(serving());
  EXPECT_EQ(manager_.HeardLast(), "WATCHDOG=1");
}

TEST_F(VitalSignsTest, ReadsAreToldFromOtherParts) {
  store_.Sleep(/*writes=*/false, /*reads=*/true);
  StartWithoutConnections();
  Pass(20);
  EXPECT_FALSE(signs_->ReadsWork());
  EXPECT_THAT(signs_->Problems(),
              UnorderedElementsAre(HasSubstr("reads have"),
                                   HasSubstr("new connections")));
  store_.Wake();
  Pass(1);
  EXPECT_TRUE(signs_->ReadsWork());
}

TEST_F(VitalSignsTest, UpkeepThatFailsIsAProblem) {
  StartWithoutConnections();
  EXPECT_TRUE(serving());
  Set(&upkeep_, std::string("upkeep fails"));
  EXPECT_THAT(signs_->Problems(), ElementsAre("upkeep fails"));
  Pass(1);
  EXPECT_FALSE(serving());
  Set(&upkeep_, std::string());
  Pass(1);
  EXPECT_TRUE(serving());
}

TEST_F(VitalSignsTest, AServerThatMayNotServeDoesNotThoughNothingIsWrong) {
  Set(&may_serve_, false);
  StartWithoutConnections();
  EXPECT_THAT(signs_->Problems(), IsEmpty());
  EXPECT_FALSE(serving());
}

TEST_F(VitalSignsTest, ARefusalBecauseOthersHaveAllConnectionsIsALifeSign) {
  const auto listeners = Listeners::Open({"127.0.0.1:0"}, 0600);
  ASSERT_TRUE(listeners.ok()) << listeners.status();
  const std::string& address = (*listeners)->addresses().front();
  std::vector<int> taken;
  AcceptLoop loop((*listeners)->sockets(), {.per_local_user = 1},
                  [&](int, int fd) { taken.push_back(fd); });
  loop.Start();
  const int first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at = {
      .sin_family = AF_INET,
      .sin_port = htons(std::stoi(address.substr(address.rfind(':') + 1)))};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(first, reinterpret_cast<const sockaddr*>(&at), sizeof(at)),
            0);
  ASSERT_TRUE(ComesTrue([&] { return loop.accepted() == 1; }));
  Start(address, loop);
  // It asks again only after an answer. A turn waits for that, but not for long
  // where none is due.
  for (int turns = 0; turns < 60 && loop.refused() < 5; ++turns) {
    const int64_t refused = loop.refused();
    Pass(1);
    ComesTrue([&] { return loop.refused() > refused; }, absl::Milliseconds(50));
  }
  EXPECT_GE(loop.refused(), 5);
  EXPECT_THAT(signs_->Problems(), IsEmpty());
  signs_->Stop();
  loop.Stop();
  close(first);
  for (const int fd : taken) close(fd);
}

}  // namespace
}  // namespace sheaf::server
