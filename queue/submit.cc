#include "queue/submit.h"

#include <algorithm>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/status.h"

namespace sheaf {
namespace {

// Seeds fit a signed 32-bit integer, as every tool around takes them.
constexpr int64_t kSeedEnd = int64_t{1} << 31;

absl::Status TooManyRuns(uint64_t count) {
  return WithMetadata(
      Error(Reason::kTooManyRuns,
            absl::StrCat("the job has ", count, " runs; ", kRunsPerJobMax,
                         " is the most that one job may have")),
      "runsMax", absl::StrCat(kRunsPerJobMax));
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

// Everything the client said, and nothing that the server drew.
std::string DigestOf(const PreparedJob& prepared) {
  const NewJob& job = prepared.job;
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
  Sha256 sha;
  sha.Update(text);
  sha.Update(prepared.shared_text);
  for (const std::string& own : prepared.own_texts) sha.Update(own);
  return sha.FinishHex();
}

Lane LaneOf(const NewJob& job, const RunParams& own) {
  const auto pick = [](const auto& mine, const auto& all) {
    return mine ? *mine
                : all.value_or(
                      typename std::decay_t<decltype(all)>::value_type{});
  };
  Lane lane;
  lane.queue = job.queue;
  lane.owner = job.owner;
  lane.kind = job.kind;
  lane.model = pick(own.model, job.shared.model);
  lane.vae = pick(own.vae, job.shared.vae);
  lane.width = pick(own.width, job.shared.width);
  lane.height = pick(own.height, job.shared.height);
  return lane;
}

bool SameLane(const Lane& a, const Lane& b) {
  return a.model == b.model && a.vae == b.vae && a.width == b.width &&
         a.height == b.height;
}

void AssignLanes(PreparedJob* prepared) {
  for (const RunParams& own : prepared->job.runs) {
    Lane lane = LaneOf(prepared->job, own);
    const auto known =
        std::find_if(prepared->lanes.begin(), prepared->lanes.end(),
                     [&](const Lane& other) { return SameLane(lane, other); });
    prepared->lane_of.push_back(
        static_cast<int>(known - prepared->lanes.begin()));
    if (known == prepared->lanes.end()) {
      prepared->lanes.push_back(std::move(lane));
    }
  }
}

void DrawSeeds(PreparedJob* prepared, uint64_t entropy) {
  if (prepared->job.shared.seed) return;
  std::mt19937_64 random(entropy);
  for (size_t i = 0; i < prepared->job.runs.size(); ++i) {
    RunParams& own = prepared->job.runs[i];
    if (own.seed) continue;
    own.seed = static_cast<int64_t>(random() % kSeedEnd);
    prepared->own_texts[i] = Encode(own);
  }
}

void CollectArtifacts(PreparedJob* prepared) {
  std::set<std::string> all;
  const auto add = [&](const RunParams& params) {
    for (std::string& digest : ArtifactsOf(params)) {
      all.insert(std::move(digest));
    }
  };
  add(prepared->job.shared);
  for (const RunParams& own : prepared->job.runs) add(own);
  prepared->artifacts.assign(all.begin(), all.end());
}

// The job that an earlier request with this id made, if there was one.
absl::StatusOr<std::optional<Job>> Replay(Tx& tx, const PreparedJob& prepared) {
  const NewJob& job = prepared.job;
  if (job.request_id.empty()) return std::nullopt;
  const auto record = tx.FindRequest(job.owner, job.request_id);
  if (!record) return std::nullopt;
  if (record->payload_digest != prepared.payload_digest) {
    return WithMetadata(
        Error(Reason::kRequestIdReused,
              absl::StrCat("request_id ", job.request_id, " made ",
                           NameOf(record->job), " from another payload")),
        "job", NameOf(record->job));
  }
  return tx.FindJob(record->job);
}

absl::Status CheckQueue(const Queue& queue, int64_t more) {
  const std::string name = absl::StrCat("queues/", queue.name);
  if (queue.state == QueueState::kDraining) {
    return WithSubject(
        Error(Reason::kQueueDraining,
              absl::StrCat(name, " takes no new jobs: it drains")),
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

absl::Status CheckArtifacts(Tx& tx, const std::vector<std::string>& digests) {
  for (const std::string& digest : digests) {
    if (!tx.FindArtifact(digest)) {
      return WithSubject(
          Error(Reason::kArtifactNotFound,
                absl::StrCat("artifacts/", digest,
                             " is not here; upload it before the job")),
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
  job.run_count = static_cast<int>(spec.runs.size());
  job.attempts_max =
      spec.attempts_max > 0 ? spec.attempts_max : queue.settings.attempts_max;
  job.counts.queued = job.run_count;
  job.create_time = now;
  job.run_time = std::max(spec.run_time.value_or(now), now);
  if (spec.start_deadline) job.start_deadline = *spec.start_deadline;
  return job;
}

}  // namespace

absl::StatusOr<std::vector<RunParams>> Expand(
    const Sweep& sweep, const std::vector<RunParams>& bases) {
  // How many combinations there are, before any is made.
  uint64_t combinations = 1;
  for (size_t i = 0; i < sweep.axes.size(); ++i) {
    const uint64_t length = sweep.axes[i].size();
    if (length == 0) {
      return WithViolation(Error(Reason::kSweepMismatch,
                                 absl::StrCat("axis ", i, " has no values")),
                           absl::StrCat("job.sweep.axes[", i, "]"),
                           "has no values");
    }
    if (sweep.zip) {
      if (i > 0 && length != combinations) {
        return WithViolation(
            Error(Reason::kSweepMismatch,
                  absl::StrCat("axes of a zipped sweep must be equally long; ",
                               "axis 0 has ", combinations, " values, axis ", i,
                               " has ", length)),
            absl::StrCat("job.sweep.axes[", i, "]"), "has another length");
      }
      combinations = length;
    } else {
      combinations *= length;
    }
    if (combinations * bases.size() > uint64_t{kRunsPerJobMax}) {
      return TooManyRuns(combinations * bases.size());
    }
  }
  std::vector<RunParams> runs;
  runs.reserve(combinations * bases.size());
  for (const RunParams& base : bases) {
    for (uint64_t c = 0; c < combinations; ++c) {
      RunParams run = base;
      // The last axis varies fastest: read c as digits, most significant first.
      uint64_t stride = combinations;
      for (const auto& axis : sweep.axes) {
        if (!sweep.zip) stride /= axis.size();
        run = Merge(run, axis[sweep.zip ? c : c / stride % axis.size()]);
      }
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

absl::StatusOr<PreparedJob> Prepare(NewJob job, uint64_t entropy) {
  if (job.runs.empty()) job.runs.emplace_back();
  if (job.sweep) {
    SHEAF_ASSIGN_OR_RETURN(job.runs, Expand(*job.sweep, job.runs));
    job.sweep.reset();
  }
  if (job.runs.size() > kRunsPerJobMax) return TooManyRuns(job.runs.size());
  SHEAF_RETURN_IF_ERROR(Check(job));

  PreparedJob prepared;
  prepared.job = std::move(job);
  prepared.shared_text = Encode(prepared.job.shared);
  prepared.own_texts.reserve(prepared.job.runs.size());
  for (const RunParams& own : prepared.job.runs) {
    prepared.own_texts.push_back(Encode(own));
  }
  if (!prepared.job.request_id.empty()) {
    prepared.payload_digest = DigestOf(prepared);
  }
  DrawSeeds(&prepared, entropy);
  AssignLanes(&prepared);
  CollectArtifacts(&prepared);
  return prepared;
}

absl::StatusOr<Submitted> Submit(Tx& tx, const PreparedJob& prepared,
                                 int64_t owner_queued_max) {
  SHEAF_ASSIGN_OR_RETURN(std::optional<Job> replayed, Replay(tx, prepared));
  if (replayed) return Submitted{*std::move(replayed), true};

  std::optional<Queue> queue = tx.FindQueue(prepared.job.queue);
  if (!queue) {
    return Error(Reason::kQueueNotFound,
                 absl::StrCat("there is no queue named ", prepared.job.queue));
  }
  const int64_t count = static_cast<int64_t>(prepared.job.runs.size());
  SHEAF_RETURN_IF_ERROR(CheckQueue(*queue, count));
  SHEAF_RETURN_IF_ERROR(
      CheckOwner(tx.CountsOf(prepared.job.owner), count, owner_queued_max));
  SHEAF_RETURN_IF_ERROR(CheckArtifacts(tx, prepared.artifacts));
  Job job = NewRow(prepared, *queue, tx.now());
  if (job.start_deadline <= job.run_time) {
    return InvalidArgument({{"job.start_deadline", "must lie in the future"}});
  }

  std::vector<LaneId> lanes;
  for (const Lane& lane : prepared.lanes) lanes.push_back(tx.LaneFor(lane));
  std::vector<Run> runs(count);
  for (int64_t i = 0; i < count; ++i) {
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
  queue->queued += count;
  ++queue->revision;
  tx.SaveQueue(*queue);
  tx.AppendEvent({.type = EventType::kJobSubmitted,
                  .queue = job.queue,
                  .job = job.id,
                  .actor = job.owner});
  return Submitted{std::move(job), false};
}

}  // namespace sheaf
