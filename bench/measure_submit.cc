// Measures what a durable submit costs, beside what gRPC and SQLite cost alone.
#include <fmt/format.h>

#include <list>
#include <memory>

#include "base/status.h"
#include "bench/bare_sqlite.h"
#include "bench/submit_ops.h"
#include "bench/suite.h"

namespace sheaf::bench {
namespace {

constexpr int kInFlight[] = {1, 8, 64, 512};
constexpr int kGroups[] = {1, 64, 512};
constexpr int kStreams = 4;
constexpr int kBulkJobs = 100;
constexpr int kBulkCalls = 4;
// Runs a second that a stream or a bulk of submits is to carry.
constexpr double kManyPerSecond = 60'000;

// All that is measured in turns. A list, so that a contender stays in place.
class Field {
 public:
  explicit Field(Suite* suite) : suite_(*suite) {}

  absl::Status AddEcho() {
    SHEAF_ASSIGN_OR_RETURN(echo_, suite_.Serve("echo", /*echo=*/true));
    for (int slots : kInFlight) {
      SHEAF_ASSIGN_OR_RETURN(Client * client, Connect(*echo_, slots));
      Add(fmt::format("echo, {} in flight", slots),
          UnarySubmits(client, slots, 1));
    }
    return absl::OkStatus();
  }

  absl::Status AddBare() {
    SHEAF_ASSIGN_OR_RETURN(bare_, BareSqlite::Open(suite_.directory));
    for (int group : kGroups) {
      Contender& contender = contenders_.emplace_back();
      contender.name = fmt::format("bare SQLite commit of {} jobs", group);
      contender.measure = [this, group] {
        return bare_->Measure(group, suite_.load.window);
      };
    }
    return absl::OkStatus();
  }

  absl::Status AddServer() {
    SHEAF_ASSIGN_OR_RETURN(server_, suite_.Serve("submit"));
    for (int slots : kInFlight) {
      SHEAF_ASSIGN_OR_RETURN(Client * client, Connect(*server_, slots));
      Add(fmt::format("submit unary, {} in flight", slots),
          UnarySubmits(client, slots, 1));
    }
    for (int slots : {64, 512}) {
      SHEAF_ASSIGN_OR_RETURN(Client * client, Connect(*server_, slots));
      Add(fmt::format("submit by {} streams, {} in flight", kStreams, slots),
          StreamSubmits(client, slots, kStreams, 1));
    }
    SHEAF_ASSIGN_OR_RETURN(Client * client, Connect(*server_, kBulkCalls));
    Add(fmt::format("submit in bulk, {} calls of {} jobs", kBulkCalls,
                    kBulkJobs),
        BulkSubmits(client, kBulkCalls, kBulkJobs, 1), kBulkJobs);
    return absl::OkStatus();
  }

  absl::Status Run() {
    std::vector<Contender*> all;
    for (Contender& contender : contenders_) all.push_back(&contender);
    SHEAF_RETURN_IF_ERROR(RunRounds(all, suite_.rounds));
    for (const Contender& contender : contenders_) {
      AddRate(suite_, contender, "jobs/s");
      AddLatency(suite_, contender);
    }
    return absl::OkStatus();
  }

  const Contender& named(const std::string& name) const {
    for (const Contender& contender : contenders_) {
      if (contender.name == name) return contender;
    }
    static const Contender none;
    return none;
  }

 private:
  void Add(const std::string& name, Operations operations, double each = 1) {
    contenders_.push_back(
        ClosedContender(suite_, name, std::move(operations), each));
  }

  absl::StatusOr<Client*> Connect(const ServerProcess& server, int slots) {
    SHEAF_ASSIGN_OR_RETURN(auto client, server.Connect(slots));
    clients_.push_back(std::move(client));
    return clients_.back().get();
  }

  Suite& suite_;
  std::unique_ptr<ServerProcess> echo_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<BareSqlite> bare_;
  std::list<std::unique_ptr<Client>> clients_;
  std::list<Contender> contenders_;  // before the clients they use
};

void JudgeUnary(Suite& suite, const Field& field) {
  const Contender& echo = field.named("echo, 64 in flight");
  const Contender& submit = field.named("submit unary, 64 in flight");
  suite.table->Add(AtLeast({"submit unary / echo, 64 in flight",
                            PairedRatio(submit.rates, echo.rates), "x"},
                           0.35, "", suite.judge()));
  std::vector<double> floor = field.named("echo, 1 in flight").p50;
  const std::vector<double>& commit =
      field.named("bare SQLite commit of 1 jobs").p50;
  for (size_t i = 0; i < floor.size(); ++i) floor[i] += commit[i];
  const double ratio =
      PairedRatio(field.named("submit unary, 1 in flight").p50, floor);
  suite.table->Add(
      AtMost({"submit unary p50 / (echo p50 + commit p50)", ratio, "x"}, 2,
             "1 in flight", suite.judge()));
}

void JudgeMany(Suite& suite, const Field& field, const std::string& name,
               int group) {
  const Contender& many = field.named(name);
  const Contender& bare =
      field.named(fmt::format("bare SQLite commit of {} jobs", group));
  suite.table->Add(AtLeast(
      {name + " / bare SQLite", PairedRatio(many.rates, bare.rates), "x"}, 0.5,
      fmt::format("commits of {}", group), suite.judge()));
  // The rate is judged only where the disk and the processor can carry it.
  const bool possible = bare.rate() >= kManyPerSecond;
  suite.table->Add(AtLeast({name + ", rate", many.rate(), "runs/s"},
                           kManyPerSecond,
                           possible ? "" : "not judged: bare SQLite has less",
                           suite.judge() && possible));
}

}  // namespace

absl::Status MeasureFloor(Suite& suite) {
  Field field(&suite);
  SHEAF_RETURN_IF_ERROR(field.AddEcho());
  SHEAF_RETURN_IF_ERROR(field.AddBare());
  return field.Run();
}

absl::Status MeasureSubmit(Suite& suite) {
  Field field(&suite);
  SHEAF_RETURN_IF_ERROR(field.AddEcho());
  SHEAF_RETURN_IF_ERROR(field.AddBare());
  SHEAF_RETURN_IF_ERROR(field.AddServer());
  SHEAF_RETURN_IF_ERROR(field.Run());
  JudgeUnary(suite, field);
  JudgeMany(suite, field, "submit by 4 streams, 64 in flight", 64);
  JudgeMany(suite, field, "submit by 4 streams, 512 in flight", 512);
  JudgeMany(suite, field, "submit in bulk, 4 calls of 100 jobs", 512);
  return absl::OkStatus();
}

absl::Status MeasureLatency(Suite& suite) {
  constexpr double kShare = 0.5;
  constexpr int kSlots = 256;
  SHEAF_ASSIGN_OR_RETURN(auto server, suite.Serve("latency"));
  SHEAF_ASSIGN_OR_RETURN(auto client, server->Connect(kSlots));
  Contender highest = ClosedContender(suite, "submit unary, 64 in flight",
                                      UnarySubmits(client.get(), 64, 1));
  SHEAF_RETURN_IF_ERROR(RunRounds({&highest}, suite.rounds));
  const Operations slots = UnarySubmits(client.get(), kSlots, 1);
  const double rate = kShare * highest.rate();
  Contender steady;
  steady.name = "submit by the clock, at half the highest rate";
  steady.measure = [&]() -> absl::StatusOr<Window> {
    return OpenLoop(slots, rate, suite.load);
  };
  SHEAF_RETURN_IF_ERROR(RunRounds({&steady}, suite.rounds));
  AddRate(suite, steady, "jobs/s");
  AddLatency(suite, steady);
  suite.table->Add({steady.name + ", p99.9", Median(steady.p999) * 1e6, "us"});
  return absl::OkStatus();
}

absl::Status MeasureLargeJobs(Suite& suite) {
  const int runs = suite.Size(100'000, 2'000);
  const int repeats = suite.Size(5, 1);
  SHEAF_ASSIGN_OR_RETURN(auto server, suite.Serve("large"));
  SHEAF_ASSIGN_OR_RETURN(auto client, server->Connect(1));
  pb::SubmitJobRequest listed = MakeSubmit(runs);
  pb::SubmitJobRequest swept = MakeSubmit(0);
  pb::SweepAxis& axis = *swept.mutable_job()->mutable_sweep()->add_axes();
  axis.set_field("seed");
  axis.mutable_range()->set_from(1);
  axis.mutable_range()->set_to(runs);
  for (auto& [name, request] :
       {std::pair{"listed", &listed}, std::pair{"as a sweep", &swept}}) {
    std::vector<double> seconds;
    for (int i = 0; i < repeats; ++i) {
      request->set_request_id(NewRequestId());
      pb::SubmitJobResponse response;
      grpc::ClientContext context;
      SetDeadline(&context);
      const absl::Time start = absl::Now();
      SHEAF_RETURN_IF_ERROR(FromGrpc(
          client->of(0).jobs->SubmitJob(&context, *request, &response)));
      seconds.push_back(absl::ToDoubleSeconds(absl::Now() - start));
      if (response.job().run_count() != runs) {
        return absl::DataLossError("a large job lost runs");
      }
    }
    suite.table->Add(
        AtLeast({fmt::format("one job of {} runs, {}", CountName(runs), name),
                 runs / Median(seconds), "runs/s"},
                kManyPerSecond, "", suite.judge()));
  }
  return absl::OkStatus();
}

}  // namespace sheaf::bench
