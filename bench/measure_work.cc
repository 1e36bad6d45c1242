// Measures the workers' side: leasing and finishing over a long queue, and
// whole lives beside PostgreSQL.
#include <fmt/format.h>

#include <list>
#include <memory>

#include "base/status.h"
#include "bench/payload.h"
#include "bench/peers_postgres.h"
#include "bench/submit_ops.h"
#include "bench/suite.h"
#include "bench/worker_ops.h"

namespace sheaf::bench {
namespace {

// A server with a queue of some depth, and one worker for each batch size.
class Depth {
 public:
  static absl::StatusOr<std::unique_ptr<Depth>> Make(const Suite& suite,
                                                     int64_t runs) {
    auto depth = std::make_unique<Depth>();
    depth->name_ = CountName(runs);
    SHEAF_ASSIGN_OR_RETURN(depth->server_,
                           suite.Serve("depth-" + depth->name_));
    SHEAF_ASSIGN_OR_RETURN(depth->client_, depth->server_->Connect(4));
    SHEAF_RETURN_IF_ERROR(FillQueue(depth->client_.get(), runs));
    for (int size : {1, kBatchSize}) {
      SHEAF_ASSIGN_OR_RETURN(
          auto worker, WorkerSession::Register(&depth->client_->of(0), size));
      depth->AddContender(size, std::move(worker), suite.Size<int64_t>(64, 16));
    }
    return depth;
  }

  std::list<Contender>& contenders() { return contenders_; }
  const Contender& of_eight() const { return contenders_.back(); }
  const Contender& of_one() const { return contenders_.front(); }
  double RssMebibytes() const { return server_->RssMebibytes(); }

 private:
  // Each window takes `count` batches, and puts as many runs back before it.
  void AddContender(int size, std::unique_ptr<WorkerSession> worker,
                    int64_t count) {
    Operations* slot = &slots_.emplace_back();
    slot->push_back(
        std::make_unique<LeaseAndFinish>(&client_->of(0), *worker, size));
    workers_.push_back(std::move(worker));
    Contender& contender = contenders_.emplace_back();
    contender.name =
        fmt::format("lease + finish, batch of {}, {} queued", size, name_);
    contender.measure = [this, slot, size, count]() -> absl::StatusOr<Window> {
      const Window window = CountedLoop(*slot, count);
      SHEAF_RETURN_IF_ERROR(FillQueue(client_.get(), count * size));
      return window;
    };
  }

  std::string name_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Client> client_;
  std::vector<std::unique_ptr<WorkerSession>> workers_;
  std::list<Operations> slots_;
  std::list<Contender> contenders_;
};

void JudgeDepth(Suite& suite, const Contender& deep, const Contender& shallow,
                bool judge) {
  const double ratio = PairedRatio(deep.p50, shallow.p50);
  const std::string name = deep.name + " / few";
  if (!judge) return suite.table->Add({name, ratio, "x"});
  suite.table->Add(AtMost({name, ratio, "x"}, 1.25, "p50", suite.judge()));
}

constexpr int kInFlight = 64;
// jobs/s of a full life, measured elsewhere (two cores, synced commits).
constexpr double kPublishedPostgres = 7'700;

struct Lives {
  std::string name;
  int runs;     // of each job
  int streams;  // 0: unary
};
const Lives kLives[] = {
    {"full life, unary, jobs of 8 runs", kBatchSize, 0},
    {"full life, 4 streams, jobs of 8 runs", kBatchSize, 4},
    {"full life, unary, jobs of 1 run", 1, 0},
    {"full life, 4 streams, jobs of 1 run", 1, 4},
};

struct PeerLives {
  std::string name;
  PostgresPeer::Loop loop;
};
const PeerLives kPeerLives[] = {
    {"PostgreSQL, jobs of 8 rows",
     {.inserts = 1, .runs_per_insert = kBatchSize, .claim = kBatchSize}},
    {"PostgreSQL, jobs of 1 row", {}},
    {"PostgreSQL, jobs of 1 row, taken by 8",
     {.inserts = kBatchSize, .runs_per_insert = 1, .claim = kBatchSize}},
};

std::list<Contender> OurLives(const Suite& suite, Client* client,
                              const WorkerSessions& workers) {
  std::list<Contender> contenders;
  for (const Lives& lives : kLives) {
    Operations submits =
        lives.streams > 0
            ? StreamSubmits(client, kInFlight, lives.streams, lives.runs)
            : UnarySubmits(client, kInFlight, lives.runs);
    contenders.push_back(ClosedContender(
        suite, lives.name,
        FullLives(client, std::move(submits), workers, lives.runs),
        lives.runs));
  }
  return contenders;
}

std::list<Contender> PeersLives(const Suite& suite, PostgresPeer* peer) {
  std::list<Contender> contenders;
  for (const PeerLives& lives : kPeerLives) {
    Contender& contender = contenders.emplace_back();
    contender.name = lives.name;
    contender.measure = [peer, loop = lives.loop,
                         window = absl::Seconds(suite.Size(2, 1))] {
      return peer->Measure(loop, window);
    };
  }
  return contenders;
}

// Ours over theirs. The target is batches of eight against the usual way with
// PostgreSQL, row by row; like against like is shown beside it.
void JudgeLives(Suite& suite, const std::list<Contender>& ours,
                const std::list<Contender>& peers) {
  const Contender& by_eight = peers.front();
  const Contender& by_one = *std::next(peers.begin());
  size_t i = 0;
  for (const Contender& life : ours) {
    const bool eight = kLives[i++].runs == kBatchSize;
    const double ratio = PairedRatio(life.rates, by_one.rates);
    const std::string name = life.name + " / PostgreSQL";
    if (!eight) {
      suite.table->Add({name, ratio, "x"});
      continue;
    }
    suite.table->Add(
        AtLeast({name, ratio, "x"}, 4, "row by row", suite.judge()));
    suite.table->Add(
        {name + " by 8 rows", PairedRatio(life.rates, by_eight.rates), "x"});
  }
}

void CompareWithPublished(Suite& suite, const std::list<Contender>& ours) {
  suite.table->Add({"PostgreSQL, jobs of 1 row, published figure",
                    kPublishedPostgres, "runs/s"});
  size_t i = 0;
  for (const Contender& life : ours) {
    if (kLives[i++].runs != 1) continue;
    // Another machine's figure proves nothing about this one.
    suite.table->Add(AtLeast({life.name + " / published PostgreSQL",
                              life.rate() / kPublishedPostgres, "x"},
                             4, "not judged", /*judge=*/false));
  }
}

}  // namespace

absl::Status MeasureDepth(Suite& suite) {
  std::vector<int64_t> depths = {1'000, 100'000, 1'000'000};
  if (suite.quick) depths = {1'000, 4'000, 16'000};
  std::list<std::unique_ptr<Depth>> made;
  std::vector<Contender*> all;
  for (int64_t runs : depths) {
    SHEAF_ASSIGN_OR_RETURN(auto depth, Depth::Make(suite, runs));
    for (Contender& contender : depth->contenders()) all.push_back(&contender);
    made.push_back(std::move(depth));
  }
  RoundOptions rounds = suite.rounds;
  // The windows are short: a queue of 1k is not to run dry.
  rounds.rounds_min *= 4;
  rounds.rounds_max *= 4;
  SHEAF_RETURN_IF_ERROR(RunRounds(all, rounds));
  for (const Contender* contender : all) {
    AddRate(suite, *contender, "batches/s");
    AddLatency(suite, *contender);
  }
  JudgeDepth(suite, made.back()->of_one(), made.front()->of_one(), false);
  JudgeDepth(suite, made.back()->of_eight(), made.front()->of_eight(), true);
  suite.table->Add(
      AtMost({fmt::format("server memory, {} queued", CountName(depths.back())),
              made.back()->RssMebibytes(), "MiB"},
             300, "", suite.judge()));
  return absl::OkStatus();
}

absl::Status MeasureLife(Suite& suite) {
  SHEAF_ASSIGN_OR_RETURN(auto server, suite.Serve("life"));
  SHEAF_ASSIGN_OR_RETURN(auto client, server->Connect(kInFlight));
  SHEAF_ASSIGN_OR_RETURN(const WorkerSessions workers,
                         RegisterWorkers(client.get(), kInFlight, kBatchSize));
  auto peer = PostgresPeer::Start(suite.directory + "/postgres");
  std::list<Contender> ours = OurLives(suite, client.get(), workers);
  std::list<Contender> peers;
  if (peer.ok()) peers = PeersLives(suite, peer->get());
  std::vector<Contender*> all;
  for (Contender& contender : ours) all.push_back(&contender);
  for (Contender& contender : peers) all.push_back(&contender);
  SHEAF_RETURN_IF_ERROR(RunRounds(all, suite.rounds));
  for (const Contender* contender : all) AddRate(suite, *contender, "runs/s");
  for (const Contender& contender : ours) AddLatency(suite, contender);
  if (peer.ok()) {
    JudgeLives(suite, ours, peers);
  } else {
    suite.table->Say("PostgreSQL was left out: " +
                     std::string(peer.status().message()));
    CompareWithPublished(suite, ours);
  }
  return absl::OkStatus();
}

}  // namespace sheaf::bench
