#include "queue/submit.h"

#include <algorithm>
#include <random>
#include <set>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/status.h"

namespace sheaf {
namespace {

// Seeds fit a signed 32-bit integer, as every tool around takes them.
constexpr int64_t kSeedEnd = int64_t{1} << 31;

// Up to this size, a sweep over one run is the same payload as the runs that it
// makes, written out. Above it, writing them out costs too much.
constexpr int64_t kListedBytesMax = 8 << 20;

absl::Status TooLarge(int64_t bytes, int64_t most) {
  return WithMetadata(
      Error(Reason::kJobTooLarge,
            absl::StrCat("the values of the job take ", bytes,
                         " bytes; at most ", most, " are taken")),
      "bytesMax", absl::StrCat(most));
}

void CheckControls(const RunParams& params, const std::string& path,
                   Violations* violations) {
  std::set<std::string_view> types;
  for (size_t i = 0; i < params.controls.size(); ++i) {
    const Control& control = params.controls[i];
    const std::string field = absl::StrCat(path, ".controls[", i, "]");
    if (!types.insert(control.type).second) {
      violations->push_back({field + ".type", "names a control twice"});
    }
    if (control.start.value_or(0) > control.end.value_or(1)) {
      violations->push_back({field + ".start", "must not lie after end"});
    }
  }
}

absl::Status Check(const NewJob& job) {
  Violations violations;
  CheckControls(job.shared, "job.shared", &violations);
  for (size_t i = 0; i < job.runs.size() && violations.size() < 100; ++i) {
    CheckControls(job.runs[i], absl::StrCat("job.runs[", i, "]"), &violations);
  }
  if (job.run_time && job.start_deadline &&
      *job.start_deadline <= *job.run_time) {
    violations.push_back({"job.start_deadline", "must lie after job.run_time"});
  }
  if (violations.empty()) return absl::OkStatus();
  return InvalidArgument(std::move(violations));
}

// Writes, as JSON, what the client said of the job as a whole.
std::string HeadOf(const NewJob& job) {
  std::string text;
  JsonObject object(&text);
  object.Text("queue", job.queue);
  object.Text("kind", job.kind);
  object.Integer("priority", static_cast<int>(job.priority));
  object.Integer("attempts_max", job.attempts_max);
  if (job.run_time)
    object.Integer("run_time", absl::ToUnixMillis(*job.run_time));
  if (job.start_deadline) {
    object.Integer("start_deadline", absl::ToUnixMillis(*job.start_deadline));
  }
  object.Name("labels");
  JsonObject labels(&text);
  for (const auto& [key, value] : job.labels) labels.Text(key, value);
  labels.Close();
  object.Close();
  return text;
}

// The runs of a job, one after another.
class RunMaker {
 public:
  // `bases` must not be empty; `combinations` is for each of them.
  RunMaker(std::vector<RunParams> bases, std::optional<Sweep> sweep,
           int64_t combinations)
      : bases_(std::move(bases)),
        sweep_(std::move(sweep)),
        combinations_(combinations) {}

  int64_t count() const {
    return combinations_ * static_cast<int64_t>(bases_.size());
  }

  // Each run once.
  RunParams Take(int64_t i) {
    if (!sweep_) return std::move(bases_[i]);
    return Merge(bases_[i / combinations_],
                 Combination(*sweep_, i % combinations_, combinations_));
  }

  // Bytes that the sweep multiplies; runs that were sent one by one are counted
  // one by one.
  int64_t SweptBytes() const {
    if (!sweep_) return 0;
    int64_t bytes = BytesOfCombinations(*sweep_, combinations_) *
                    static_cast<int64_t>(bases_.size());
    for (const RunParams& base : bases_) {
      bytes += static_cast<int64_t>(Encode(base).size()) * combinations_;
    }
    return bytes;
  }

 private:
  std::vector<RunParams> bases_;
  const std::optional<Sweep> sweep_;
  const int64_t combinations_;
};

// Gives each run its lane.
class LaneSorter {
 public:
  explicit LaneSorter(PreparedJob* prepared) : prepared_(*prepared) {}

  absl::Status Add(const RunParams& own) {
    const RunParams& shared = prepared_.job.shared;
    const auto pick = [](const auto& mine, const auto& all) {
      using Value = typename std::decay_t<decltype(all)>::value_type;
      return mine ? *mine : all.value_or(Value{});
    };
    Lane lane;
    lane.model = pick(own.model, shared.model);
    lane.vae = pick(own.vae, shared.vae);
    lane.width = pick(own.width, shared.width);
    lane.height = pick(own.height, shared.height);
    const auto [known, is_new] =
        places_.try_emplace({lane.model, lane.vae, lane.width, lane.height},
                            static_cast<int>(prepared_.lanes.size()));
    prepared_.lane_of.push_back(known->second);
    if (!is_new) return absl::OkStatus();
    if (prepared_.lanes.size() == kLanesPerJobMax) {
      return Error(Reason::kTooManyLanes,
                   absl::StrCat("the runs name more than ", kLanesPerJobMax,
                                " different models, VAEs and sizes"));
    }
    lane.queue = prepared_.job.queue;
    lane.owner = prepared_.job.owner;
    lane.kind = prepared_.job.kind;
    prepared_.lanes.push_back(std::move(lane));
    return absl::OkStatus();
  }

 private:
  PreparedJob& prepared_;
  absl::flat_hash_map<std::tuple<std::string, std::string, int64_t, int64_t>,
                      int>
      places_;
};

// Makes the runs. The client's values go into `payload`, with `said_below`
// (null: nothing) below the values of each run.
absl::Status MakeRuns(RunMaker* runs, const RunParams* said_below,
                      Sha256* payload, uint64_t entropy, int64_t bytes_max,
                      bool rehearsal, PreparedJob* prepared) {
  LaneSorter lanes(prepared);
  std::optional<std::mt19937_64> random;  // its 312 words only where drawn
  std::set<std::string> artifacts;
  const auto note = [&](const RunParams& params) {
    for (std::string& digest : ArtifactsOf(params)) {
      artifacts.insert(std::move(digest));
    }
  };
  const bool draws = !prepared->job.shared.seed;
  note(prepared->job.shared);
  for (int64_t i = 0; i < prepared->run_count; ++i) {
    RunParams own = runs->Take(i);
    SHEAF_RETURN_IF_ERROR(lanes.Add(own));
    note(own);
    std::string text = Encode(own);
    if (payload != nullptr && said_below != nullptr) {
      payload->Update(Encode(Merge(*said_below, own)));
    } else if (payload != nullptr) {
      payload->Update(text);
    }
    if (draws && !own.seed) {
      if (!random) random.emplace(entropy);
      own.seed = static_cast<int64_t>((*random)() % kSeedEnd);
      text = Encode(own);
    }
    prepared->bytes += static_cast<int64_t>(text.size());
    if (prepared->bytes > bytes_max) {
      return TooLarge(prepared->bytes, bytes_max);
    }
    if (!rehearsal) prepared->own_texts.push_back(std::move(text));
  }
  prepared->artifacts.assign(artifacts.begin(), artifacts.end());
  return absl::OkStatus();
}

// The job that an earlier request with this id made, if there was one.
absl::StatusOr<std::optional<Job>> Replay(View& view,
                                          const PreparedJob& prepared) {
  const NewJob& job = prepared.job;
  if (job.request_id.empty()) return std::nullopt;
  const auto record = view.FindRequest(job.owner, job.request_id);
  if (!record) return std::nullopt;
  if (record->payload_digest != prepared.payload_digest) {
    return WithMetadata(
        Error(Reason::kRequestIdReused,
              absl::StrCat("request_id ", job.request_id, " made ",
                           NameOf(record->job), " from another payload")),
        "job", NameOf(record->job));
  }
  std::optional<Job> made = view.FindJob(record->job);
  if (made) return made;
  return WithMetadata(
      Error(Reason::kRequestIdSpent,
            absl::StrCat("request_id ", job.request_id, " made ",
                         NameOf(record->job), ", which was deleted")),
      "job", NameOf(record->job));
}

absl::Status CheckQueue(const Queue& queue, int64_t more) {
  const std::string name = absl::StrCat("queues/", queue.name);
  if (queue.state == QueueState::kDraining) {
    return WithSubject(
        Error(Reason::kQueueDraining,
              absl::StrCat(name, " takes no new jobs because it is draining")),
        name);
  }
  const int64_t live = queue.queued + queue.running;
  const int64_t most = queue.settings.runs_max;
  if (most > 0 && live + more > most) {
    return WithSubject(
        Error(Reason::kQueueFull,
              absl::StrCat(name, " holds ", live, " unfinished runs; ", more,
                           " more would pass its limit of ", most)),
        name);
  }
  return absl::OkStatus();
}

absl::Status CheckOwner(const OwnerCounts& counts, int64_t more, int64_t most) {
  if (most <= 0 || counts.queued + more <= most) return absl::OkStatus();
  const std::string who = counts.owner.empty()
                              ? "jobs without an owner have"
                              : absl::StrCat(counts.owner, " has");
  return WithSubject(
      Error(Reason::kOwnerQuota,
            absl::StrCat(who, " ", counts.queued, " runs waiting; ", more,
                         " more would pass the limit of ", most)),
      counts.owner);
}

absl::Status CheckLanes(LaneReads& waiting, const PreparedJob& prepared,
                        int64_t most) {
  const std::string& owner = prepared.job.owner;
  int64_t lanes = static_cast<int64_t>(prepared.lanes.size());
  if (waiting.LaneBoundOf(owner) + lanes <= most) return absl::OkStatus();
  const auto key = [](const Lane& lane) {
    return std::tie(lane.queue, lane.kind, lane.model, lane.vae, lane.width,
                    lane.height);
  };
  // Many submits near the limit ask for lanes in which runs wait already.
  if (waiting.HoldsLanes(prepared.lanes)) return absl::OkStatus();
  const std::vector<Lane> held = waiting.LanesOf(owner);
  std::set<decltype(key(held[0]))> all;
  for (const Lane& lane : held) all.insert(key(lane));
  for (const Lane& lane : prepared.lanes) all.insert(key(lane));
  lanes = static_cast<int64_t>(all.size());
  if (lanes <= most) return absl::OkStatus();
  return WithSubject(
      Error(Reason::kOwnerQuota,
            absl::StrCat("runs would wait for ", lanes,
                         " different models, VAEs and sizes; ", most,
                         " is the most that one owner may ask for at once")),
      owner);
}

absl::Status CheckArtifacts(ArtifactReads& artifacts,
                            const std::vector<std::string>& digests) {
  for (const std::string& digest : digests) {
    if (!artifacts.FindArtifact(digest)) {
      return WithSubject(
          Error(
              Reason::kArtifactNotFound,
              absl::StrCat("artifacts/", digest,
                           " is not on the server; upload it before the job")),
          absl::StrCat("artifacts/", digest));
    }
  }
  return absl::OkStatus();
}

Job NewRow(const PreparedJob& prepared, const Queue& queue, absl::Time now) {
  const NewJob& spec = prepared.job;
  Job job;
  job.queue = spec.queue;
  job.kind = spec.kind;
  job.priority = spec.priority;
  job.owner = spec.owner;
  job.labels = spec.labels;
  job.request_id = spec.request_id;
  job.payload_digest = prepared.payload_digest;
  job.run_count = prepared.run_count;
  job.attempts_max =
      spec.attempts_max > 0 ? spec.attempts_max : queue.settings.attempts_max;
  job.counts.queued = job.run_count;
  job.create_time = now;
  job.run_time = std::max(spec.run_time.value_or(now), now);
  if (spec.start_deadline) job.start_deadline = *spec.start_deadline;
  return job;
}

}  // namespace

absl::StatusOr<PreparedJob> Prepare(NewJob job, uint64_t entropy,
                                    const SubmitLimits& limits,
                                    bool rehearsal) {
  if (job.runs.empty()) job.runs.emplace_back();
  int64_t combinations = 1;
  if (job.sweep) {
    SHEAF_ASSIGN_OR_RETURN(
        combinations,
        CountCombinations(*job.sweep, static_cast<int64_t>(job.runs.size())));
  }
  const int64_t count = combinations * static_cast<int64_t>(job.runs.size());
  if (count > kRunsPerJobMax) return TooManyRuns(count);
  SHEAF_RETURN_IF_ERROR(Check(job));

  PreparedJob prepared;
  Sha256 payload;
  const bool keyed = !job.request_id.empty();
  if (keyed) payload.Update(HeadOf(job));
  std::optional<RunParams> said_below;
  prepared.shared_text = Encode(job.shared);
  if (job.sweep && job.runs.size() == 1) {
    RunParams lone = std::exchange(job.runs[0], {});
    const auto size = static_cast<int64_t>(Encode(lone).size());
    job.shared = Merge(job.shared, lone);
    std::string merged = Encode(job.shared);
    const bool listed = size * count <= kListedBytesMax;
    if (keyed) payload.Update(listed ? prepared.shared_text : merged);
    prepared.shared_text = std::move(merged);
    if (listed) said_below = std::move(lone);
  } else if (keyed) {
    payload.Update(prepared.shared_text);
  }
  RunMaker runs(std::move(job.runs), std::move(job.sweep), combinations);
  job.sweep.reset();
  prepared.job = std::move(job);
  prepared.run_count = static_cast<int>(count);
  prepared.bytes = static_cast<int64_t>(prepared.shared_text.size());
  const int64_t bytes = prepared.bytes + runs.SweptBytes();
  if (bytes > limits.job_bytes_max) {
    return TooLarge(bytes, limits.job_bytes_max);
  }
  SHEAF_RETURN_IF_ERROR(MakeRuns(&runs, said_below ? &*said_below : nullptr,
                                 keyed ? &payload : nullptr, entropy,
                                 limits.job_bytes_max, rehearsal, &prepared));
  if (keyed) prepared.payload_digest = payload.FinishHex();
  return prepared;
}

absl::StatusOr<Submitted> Rehearse(View& view, const PreparedJob& prepared,
                                   const SubmitLimits& limits) {
  SHEAF_ASSIGN_OR_RETURN(std::optional<Job> replayed, Replay(view, prepared));
  if (replayed) return Submitted{*std::move(replayed), true};

  const std::optional<Queue> queue = view.FindQueue(prepared.job.queue);
  if (!queue) {
    return Error(Reason::kQueueNotFound,
                 absl::StrCat("there is no queue named ", prepared.job.queue));
  }
  SHEAF_RETURN_IF_ERROR(CheckQueue(*queue, prepared.run_count));
  SHEAF_RETURN_IF_ERROR(CheckOwner(view.CountsOf(prepared.job.owner),
                                   prepared.run_count,
                                   limits.owner_queued_max));
  SHEAF_RETURN_IF_ERROR(CheckLanes(view, prepared, limits.owner_lanes_max));
  SHEAF_RETURN_IF_ERROR(CheckArtifacts(view, prepared.artifacts));
  Job job = NewRow(prepared, *queue, view.now());
  if (job.start_deadline <= job.run_time) {
    return InvalidArgument({{"job.start_deadline", "must lie in the future"}});
  }
  return Submitted{std::move(job), false};
}

absl::StatusOr<Submitted> Submit(Tx& tx, const PreparedJob& prepared,
                                 const SubmitLimits& limits) {
  SHEAF_ASSIGN_OR_RETURN(Submitted submitted, Rehearse(tx, prepared, limits));
  if (submitted.replayed) return submitted;

  Job& job = submitted.job;
  std::vector<LaneId> lanes;
  for (const Lane& lane : prepared.lanes) lanes.push_back(tx.LaneFor(lane));
  std::vector<Run> runs(prepared.run_count);
  for (int i = 0; i < prepared.run_count; ++i) {
    runs[i].lane = lanes[prepared.lane_of[i]];
    runs[i].priority = job.priority;
    runs[i].run_time = job.run_time;
    runs[i].start_deadline = job.start_deadline;
    runs[i].attempts_max = job.attempts_max;
  }
  job.id = tx.InsertJob(job, prepared.shared_text, std::move(runs),
                        prepared.own_texts);
  if (!prepared.artifacts.empty()) {
    tx.AddReferences(job.id, prepared.artifacts);
  }
  std::optional<Queue> queue = tx.FindQueue(job.queue);
  queue->queued += prepared.run_count;
  ++queue->revision;
  tx.SaveQueue(*queue);
  tx.AppendEvent({.type = EventType::kJobSubmitted,
                  .queue = job.queue,
                  .job = job.id,
                  .actor = job.owner});
  return submitted;
}

}  // namespace sheaf
