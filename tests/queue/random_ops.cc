#include "tests/queue/random_ops.h"

#include <sstream>

#include "queue/job_lists.h"
#include "queue/leasing/maintain.h"
#include "tests/queue/builders.h"

namespace sheaf {
namespace {

constexpr Maintenance kUpkeep{
    .events_max = 3000, .events_keep = absl::ZeroDuration(), .step = 40};

}  // namespace

RandomOps::RandomOps(uint32_t seed) : random_(seed) {
  const QueueSettings settings{.batch_size = 3,
                               .attempts_max = 3,
                               .runs_max = 150,
                               .keep_succeeded = absl::Hours(1),
                               .keep_failed = absl::Hours(3),
                               .keep_cancelled = absl::Minutes(20)};
  for (const std::string& name : queues_) {
    (void)twins_.Write("CreateQueue",
                       [&](Tx& tx) { return CreateQueue(tx, name, settings); });
  }
}

void RandomOps::Step() {
  struct Choice {
    int weight;
    void (RandomOps::*step)();
  };
  static constexpr Choice kChoices[] = {
      {20, &RandomOps::SubmitNew},      {4, &RandomOps::SubmitAgain},
      {6, &RandomOps::Cancel},          {2, &RandomOps::CancelByFilter},
      {7, &RandomOps::Retry},           {6, &RandomOps::Update},
      {3, &RandomOps::Delete},          {28, &RandomOps::LeaseSome},
      {28, &RandomOps::FinishSome},     {4, &RandomOps::FinishAgain},
      {10, &RandomOps::BeatHeart},      {3, &RandomOps::Release},
      {1, &RandomOps::LoseWorker},      {1, &RandomOps::Renew},
      {2, &RandomOps::ChangeQueue},     {5, &RandomOps::PauseOrResume},
      {1, &RandomOps::MakeOrDropQueue}, {1, &RandomOps::Purge},
      {3, &RandomOps::Upload},          {2, &RandomOps::CollectGarbage},
      {20, &RandomOps::PassTime},       {4, &RandomOps::Keep},
      {3, &RandomOps::StorePlan},       {6, &RandomOps::ExecuteSome},
      {2, &RandomOps::UndoSome},        {1, &RandomOps::ShareOrNot}};
  int total = 0;
  for (const Choice& choice : kChoices) total += choice.weight;
  int drawn = Below(total);
  for (const Choice& choice : kChoices) {
    drawn -= choice.weight;
    if (drawn < 0) return (this->*choice.step)();
  }
}

void RandomOps::Count(const std::string& step, const absl::Status& status) {
  const auto reason = ReasonOf(status);
  ++tally_[step][status.ok() ? "OK"
                 : reason    ? std::string(InfoOf(*reason).name)
                             : status.ToString()];
}

std::string RandomOps::Report() const {
  std::ostringstream out;
  for (const auto& [step, answers] : tally_) {
    out << "  " << step << ":";
    for (const auto& [answer, count] : answers) {
      out << " " << answer << " " << count;
    }
    out << "\n";
  }
  return out.str();
}

void RandomOps::Compare() {
  const auto state = [&](View& view) { return StateOf(view, followed_); };
  const StoreState memory = Read(twins_.memory(), state);
  const StoreState sqlite = Read(twins_.sqlite(), state);
  ASSERT_EQ(DifferenceOf(memory, sqlite), "");
  EXPECT_THAT(FaultsOf(memory), testing::IsEmpty());
  for (const Event& event : memory.events) follower_.Follow(event);
  EXPECT_THAT(follower_.faults(), testing::IsEmpty());
  followed_ = memory.last_sequence;
  for (const auto& [id, whole] : memory.jobs) {
    for (const Run& run : whole.runs) {
      EXPECT_EQ(follower_.StateOf(run.id), run.state)
          << NameOf(run.id) << ": the events tell another state";
    }
  }
}

// Clients.

RunParams RandomOps::AnyParams() {
  RunParams params;
  if (OneIn(2)) params.prompt = "hut " + std::to_string(Below(100));
  if (OneIn(2)) params.seed = Below(3);
  if (OneIn(3)) params.model = AnyOf<std::string>({"m1", "m2"});
  if (OneIn(4)) params.width = 512 * (1 + Below(2));
  if (OneIn(4)) params.guidance = Below(1000) / 7.0;
  if (OneIn(9)) params.emphasis = OneIn(2);
  if (OneIn(9)) params.random = RandomMode::kPhilox;
  if (OneIn(6)) params.weights["depth"] = Below(10) / 10.0;
  if (OneIn(9)) params.controls = {{.type = "depth", .image = AnyDigest()}};
  if (OneIn(12)) params.init_image = AnyDigest();
  return params;
}

NewJob RandomOps::AnyJob() {
  NewJob job;
  job.queue = OneIn(40) ? "nowhere" : AnyQueue();
  job.kind = OneIn(6) ? "upscale" : "inference";
  job.priority = static_cast<Priority>(1 + Below(4));
  job.owner = AnyOf<std::string>({"ann", "bob", ""});
  if (OneIn(3)) job.labels["team"] = AnyOf<std::string>({"art", "lab"});
  if (OneIn(4)) job.run_time = twins_.clock().now() + absl::Seconds(Below(90));
  if (OneIn(6)) {
    job.start_deadline = twins_.clock().now() + absl::Seconds(90 + Below(90));
  }
  if (OneIn(3)) job.attempts_max = 1 + Below(5);
  job.shared = AnyParams();
  const int runs = OneIn(10) ? 15 : Below(4);
  for (int i = 0; i < runs; ++i) job.runs.push_back(AnyParams());
  if (OneIn(5)) {
    // These runs ask for the very same picture.
    job.shared.seed = Below(3);
    job.runs.assign(1 + Below(4), RunParams());
  }
  if (OneIn(8)) {
    const int length = 1 + Below(3);
    Sweep sweep{.zip = OneIn(2)};
    for (int axis = 0; axis < 2; ++axis) {
      sweep.axes.emplace_back();
      for (int i = 0; i < length; ++i) {
        sweep.axes.back().push_back(AnyParams());
      }
    }
    job.sweep = sweep;
  }
  return job;
}

void RandomOps::SubmitNew() {
  NewJob job = AnyJob();
  if (OneIn(3)) {
    job.request_id = "r" + std::to_string(Below(100'000));
    requests_.push_back(job);
  }
  SubmitJob("Submit", job);
}

// A client that got no answer asks again, perhaps with another number of steps.
void RandomOps::SubmitAgain() {
  if (requests_.empty()) return;
  NewJob job = AnyOf(requests_);
  if (OneIn(3)) job.shared.steps = Below(50) + 1;
  SubmitJob("Submit again", job);
}

void RandomOps::SubmitJob(const char* step, const NewJob& job) {
  const absl::StatusOr<PreparedJob> prepared = Prepare(job, random_());
  ASSERT_TRUE(prepared.ok()) << prepared.status();
  const auto submitted =
      twins_.Write("Submit", [&](Tx& tx) { return Submit(tx, *prepared); });
  Count(step, submitted.status());
  if (!submitted.ok()) return;
  const JobId id = submitted->job.id;
  JobId& made = made_by_[{job.owner, job.request_id}];
  if (submitted->replayed) {
    EXPECT_EQ(id, made) << job.request_id << " made two jobs";
    return;
  }
  EXPECT_EQ(id.value, last_job_ + 1);
  last_job_ = id.value;
  if (!job.request_id.empty() && made) {
    const auto first = [&](View& view) { return view.FindJob(made); };
    EXPECT_FALSE(Read(twins_.memory(), first))
        << job.request_id << " made two jobs";
  }
  made = id;
}

JobId RandomOps::AnyJobId() {
  const int64_t back = OneIn(10) ? Below(2000) - 2 : Below(60);
  return JobId{std::max<int64_t>(last_job_ - back, 0)};
}

RunId RandomOps::AnyRunId() { return RunId(AnyJobId(), Below(4)); }

void RandomOps::Cancel() {
  const CancelOptions options{.keep_running = OneIn(4),
                              .reason = "no longer wanted"};
  const JobId job = AnyJobId();
  const RunId run = AnyRunId();
  const bool whole = OneIn(2);
  const auto counts = twins_.Write("Cancel", [&](Tx& tx) {
    return whole ? CancelJob(tx, job, options) : CancelRun(tx, run, options);
  });
  Count("Cancel", counts.status());
}

void RandomOps::CancelByFilter() {
  const FilterExpr filter =
      ParseFilter(
          AnyOf<std::string>({"owner = \"ann\" AND labels.team = \"art\"",
                              "priority = LOW AND state = QUEUED",
                              "queue = \"small\" AND kind = \"upscale\""}))
          .value();
  const CancelOptions options{.keep_running = OneIn(2)};
  JobQuery query{.filter = &filter, .ascending = true, .limit = 1 + Below(10)};
  if (OneIn(2)) query.after = AnyJobId();
  const int limit = 1 + Below(3);
  int64_t jobs = 0;
  for (const Job& job : Read(twins_.memory(), [&](View& view) {
         return ListJobs(view, query).jobs;
       })) {
    const auto slice = twins_.Write("CancelSome", [&](Tx& tx) {
      return CancelSome(tx, job.id, std::nullopt, options, &filter, limit);
    });
    jobs += slice->counts.jobs;
  }
  Count("CancelSome",
        jobs > 0 ? absl::OkStatus() : absl::NotFoundError("none"));
}

void RandomOps::Retry() {
  const JobId job = AnyJobId();
  const RunId run = AnyRunId();
  const bool whole = OneIn(2);
  const auto count = twins_.Write("Retry", [&](Tx& tx) {
    return whole ? RetryJob(tx, job) : RetryRun(tx, run);
  });
  Count("Retry", count.status());
}

void RandomOps::Update() {
  JobPatch patch;
  const absl::Time now = twins_.clock().now();
  if (OneIn(4)) patch.version = 1 + Below(3);
  if (OneIn(2)) patch.priority = static_cast<Priority>(1 + Below(4));
  if (OneIn(3)) patch.labels.emplace()["team"] = OneIn(2) ? "art" : "lab";
  if (OneIn(3)) patch.run_time = now + absl::Seconds(Below(60) - 10);
  if (OneIn(4)) patch.start_deadline = now + absl::Seconds(Below(200) - 5);
  const JobId id = AnyJobId();
  const auto job = twins_.Write(
      "UpdateJob", [&](Tx& tx) { return UpdateJob(tx, id, patch); });
  Count("UpdateJob", job.status());
}

void RandomOps::Delete() {
  const JobId id = AnyJobId();
  const int64_t version = OneIn(3) ? 2 : 0;
  const absl::Status status = twins_.Write(
      "DeleteJob", [&](Tx& tx) { return DeleteJob(tx, id, version); });
  Count("DeleteJob", status);
}

// Time.

void RandomOps::PassTime() {
  if (OneIn(150)) return twins_.clock().Advance(absl::Hours(Below(4)));
  if (OneIn(12)) return twins_.clock().Advance(absl::Seconds(Below(60)));
  if (OneIn(50)) return twins_.clock().Advance(-absl::Seconds(Below(5)));
  twins_.clock().Advance(absl::Milliseconds(Below(3000)));
}

void RandomOps::Keep() {
  const bool more =
      twins_.Write("Maintain", [&](Tx& tx) { return Maintain(tx, kUpkeep); });
  Count("Maintain", more ? absl::UnavailableError("more") : absl::OkStatus());
}

}  // namespace sheaf
