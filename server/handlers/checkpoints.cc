#include "server/handlers/checkpoints.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/leasing/hold.h"
#include "server/admission/stream_slots.h"
#include "server/blobs/artifact_library.h"
#include "server/blobs/checkpoint_store.h"
#include "server/handlers/call.h"
#include "server/handlers/piece_sender.h"
#include "server/handlers/worker_claim.h"
#include "server/handlers/worker_handler.h"
#include "server/telemetry/previews.h"
#include "server/telemetry/progress.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

constexpr size_t kChunk = 256 * 1024;
// A worker sends one at a time, and another where a run is handed back.
constexpr int kSavesPerLease = 4;
// Each is held in memory whole until it is complete.
constexpr int64_t kBytesUnderWayMax = int64_t{512} << 20;
// Some schedulers take two steps for each that was asked for; of a run that
// does not say, the most that one may ask for.
constexpr int64_t kStepsMax = 1000;
constexpr int64_t kStepsForOne = 2;

// The load of all saves under way: streams by lease, bytes by their headers.
class SavesUnderWay {
 public:
  absl::Status Take(BatchId lease, int64_t bytes) {
    absl::MutexLock lock(&mutex_);
    int& streams = streams_[lease];
    if (streams >= kSavesPerLease) {
      return Error(Reason::kOverloaded,
                   absl::StrCat(NameOf(lease), " has ", streams,
                                " checkpoints on their way"));
    }
    if (bytes_ > 0 && bytes_ + bytes > kBytesUnderWayMax) {
      if (streams == 0) streams_.erase(lease);
      return Error(Reason::kOverloaded,
                   "too many bytes of checkpoints are on their way");
    }
    ++streams;
    bytes_ += bytes;
    return absl::OkStatus();
  }
  void Leave(BatchId lease, int64_t bytes) {
    absl::MutexLock lock(&mutex_);
    bytes_ -= bytes;
    const auto at = streams_.find(lease);
    if (at != streams_.end() && --at->second == 0) streams_.erase(at);
  }

 private:
  absl::Mutex mutex_;
  std::map<BatchId, int> streams_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Takes nothing before the store has said that the header's lease is its
// sender's, and after that no more than it announced.
class SaveReactor final
    : public grpc::ServerReadReactor<pb::SaveCheckpointRequest>,
      public std::enable_shared_from_this<SaveReactor> {
 public:
  SaveReactor(Core* core, grpc::CallbackServerContext* context)
      : core_(core),
        context_(context),
        call_(CallOf(*context, /*cancellable=*/false)) {}
  ~SaveReactor() override {
    if (taken_) under_way_.Leave(hold_.batch, size_);
  }

  void Start() {
    self_ = shared_from_this();
    stream_ = core_->saves->Enter(
        CallerOf(context_->peer()),
        [me = weak_from_this()](const absl::Status& status) {
          if (const auto alive = me.lock()) alive->End(status);
        });
    ReadNext();
  }

  void OnReadDone(bool ok) override {
    // The end of the call may be under way on another thread.
    const auto me = shared_from_this();
    if (HasEnded()) return;
    if (!ok) return Complete();
    stream_->Heard(static_cast<int64_t>(request_.data().size()));
    const absl::Status status = Take();
    if (!status.ok()) return End(status);
    if (request_.has_header()) return AskHold();
    ReadNext();
  }
  // The read under way fails then, and ends the call.
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { self_.reset(); }

 private:
  void ReadNext() {
    stream_->Waits();
    absl::MutexLock lock(&mutex_);
    if (!ended_) StartRead(&request_);
  }

  absl::Status Take() {
    SHEAF_RETURN_IF_ERROR(Admit(*core_, *context_, request_));
    if (request_.has_header() == (size_ >= 0)) {
      return InvalidArgument({{"header", "comes first, and once"}});
    }
    if (request_.has_header()) return Begin(request_.header());
    const auto size =
        static_cast<int64_t>(checkpoint_.bytes.size() + request_.data().size());
    if (size > size_) {
      return InvalidArgument({{"data", "is more than header.size_bytes"}});
    }
    checkpoint_.bytes += request_.data();
    return absl::OkStatus();
  }

  absl::Status Begin(const pb::CheckpointHeader& header) {
    const int64_t most = core_->checkpoints->options().bytes_max;
    if (header.size_bytes() > most) {
      return InvalidArgument(
          {{"header.size_bytes",
            absl::StrCat("a checkpoint has at most ", most, " bytes here")}});
    }
    hold_ = HoldOf(header);
    size_ = header.size_bytes();
    checkpoint_.run = ParseRunName(header.run()).value_or(RunId());
    checkpoint_.epoch = hold_.epoch;
    checkpoint_.step = header.step();
    return absl::OkStatus();
  }

  // Whether the run is the sender's, and can have come so far.
  absl::Status Check(View& view) {
    SHEAF_ASSIGN_OR_RETURN(const RunParams params,
                           ParamsHeld(view, hold_, checkpoint_.run));
    const int64_t most = kStepsForOne * params.steps.value_or(kStepsMax);
    if (checkpoint_.step > most) {
      return InvalidArgument(
          {{"header.step",
            absl::StrCat(NameOf(checkpoint_.run), " has no more than ", most,
                         " steps")}});
    }
    checkpoint_.request = RequestDigest(params);
    return absl::OkStatus();
  }

  void AskHold() {
    core_->store->Read(
        [me = shared_from_this()](View& view) { return me->Check(view); },
        [me = shared_from_this()](absl::Status status) {
          if (status.ok()) status = me->stream_->Claim();
          if (status.ok()) {
            status = under_way_.Take(me->hold_.batch, me->size_);
            me->taken_ = status.ok();
          }
          if (!status.ok()) return me->End(status);
          me->ReadNext();
        },
        call_);
  }

  void Complete() {
    if (cancelled_) {
      return End(Error(Reason::kCallCancelled, "the caller has left"));
    }
    if (size_ != static_cast<int64_t>(checkpoint_.bytes.size())) {
      return End(InvalidArgument(
          {{"data", "must have header.size_bytes bytes in all"}}));
    }
    // Again: it may have been lost meanwhile.
    core_->store->Read(
        [me = shared_from_this()](View& view) { return me->Check(view); },
        [me = shared_from_this()](const absl::Status& status) {
          if (!status.ok()) return me->End(status);
          me->core_->artifacts->Run(
              [me] { me->End(me->core_->checkpoints->Save(me->checkpoint_)); });
        },
        call_);
  }

  bool HasEnded() {
    absl::MutexLock lock(&mutex_);
    return ended_;
  }

  void End(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(ended_, true)) return;
    Finish(ToGrpcStatus(status));
  }

  static inline SavesUnderWay under_way_;

  Core* const core_;
  grpc::CallbackServerContext* const context_;
  const CallOptions call_;
  std::shared_ptr<SaveReactor> self_;  // until OnDone
  std::unique_ptr<StreamSlots::Stream> stream_;
  pb::SaveCheckpointRequest request_;
  Hold hold_;
  int64_t size_ = -1;  // as the header says; -1: none has come
  bool taken_ = false;
  Checkpoint checkpoint_;
  std::atomic<bool> cancelled_ = false;
  absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

class LoadReactor final : public PieceSender<pb::LoadCheckpointResponse> {
 public:
  using PieceSender::PieceSender;

  void Start(const absl::Status& admitted, const Hold& hold, RunId run) {
    if (!Enter(admitted, core()->downloads)) return;
    const auto me = std::static_pointer_cast<LoadReactor>(shared_from_this());
    core()->store->Read(
        [me, hold, run](View& view) -> absl::Status {
          SHEAF_ASSIGN_OR_RETURN(const RunParams params,
                                 ParamsHeld(view, hold, run));
          me->run_ = run;
          me->request_ = RequestDigest(params);
          return absl::OkStatus();
        },
        [me](const absl::Status& status) {
          if (!status.ok()) return me->End(status);
          me->Send();
        },
        call());
  }

 private:
  absl::StatusOr<bool> Next(pb::LoadCheckpointResponse* out) override {
    const bool first = reader_ == nullptr;
    if (first) {
      SHEAF_ASSIGN_OR_RETURN(reader_,
                             core()->checkpoints->OpenReader(run_, request_));
      out->set_step(reader_->checkpoint().step);
      out->set_size_bytes(reader_->size());
    }
    SHEAF_ASSIGN_OR_RETURN(std::string data, reader_->Read(kChunk));
    out->set_data(std::move(data));
    return first || !out->data().empty();
  }

  RunId run_;
  std::string request_;
  std::unique_ptr<CheckpointStore::Reader> reader_;
};

}  // namespace

void OfferCheckpoints(const Core& core, const Leased& leased,
                      pb::LeasedBatch* out) {
  out->set_checkpoint_steps(core.checkpoint_steps);
  for (size_t i = 0; i < leased.runs.size(); ++i) {
    const RunId run = leased.runs[i].run.id;
    // Most have none, and need no digest.
    if (!core.checkpoints->Has(run)) continue;
    out->mutable_runs(static_cast<int>(i))
        ->set_checkpoint_step(core.checkpoints->StepOf(
            run, RequestDigest(leased.runs[i].params)));
  }
}

void RemoveEnded(const Core& core, const Committed& committed) {
  for (const Event& event : committed.events) {
    for (const RunChange& change : event.runs) {
      if (!IsFinal(change.state)) continue;
      // Also where it was not its worker that said so.
      core.progress->Forget(change.run);
      core.previews->Forget(change.run);
      if (!core.checkpoints->Has(change.run)) continue;
      core.artifacts->Run([checkpoints = core.checkpoints, run = change.run] {
        checkpoints->Remove(run);
      });
    }
  }
}

absl::Status SweepCheckpoints(Store& store, CheckpointStore& checkpoints) {
  const std::vector<RunId> kept = checkpoints.Runs();
  if (kept.empty()) return absl::OkStatus();
  std::vector<RunId> ended;
  SHEAF_RETURN_IF_ERROR(ReadAndWait(store, [&](View& view) {
    ended.clear();
    for (const RunId id : kept) {
      const std::optional<Run> run = view.FindRun(id);
      if (!run || IsFinal(run->state)) ended.push_back(id);
    }
    return absl::OkStatus();
  }));
  for (const RunId id : ended) checkpoints.Remove(id);
  return absl::OkStatus();
}

grpc::ServerReadReactor<pb::SaveCheckpointRequest>*
WorkerHandler::SaveCheckpoint(grpc::CallbackServerContext* context,
                              pb::SaveCheckpointResponse*) {
  auto reactor = std::make_shared<SaveReactor>(&core_, context);
  auto* raw = reactor.get();
  reactor->Start();
  return raw;
}

grpc::ServerWriteReactor<pb::LoadCheckpointResponse>*
WorkerHandler::LoadCheckpoint(grpc::CallbackServerContext* context,
                              const pb::LoadCheckpointRequest* request) {
  const auto reactor = std::make_shared<LoadReactor>(&core_, context);
  reactor->Start(Admit(core_, *context, *request), HoldOf(*request),
                 ParseRunName(request->run()).value_or(RunId()));
  return reactor.get();
}

}  // namespace sheaf::server
