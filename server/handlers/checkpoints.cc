// WorkerHandler's streams of checkpoints: SaveCheckpoint, LoadCheckpoint.
#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/leasing/lease_claim.h"
#include "server/admission/stream_slots.h"
#include "server/blobs/artifact_library.h"
#include "server/blobs/checkpoint_store.h"
#include "server/handlers/call_options.h"
#include "server/handlers/calls.h"
#include "server/handlers/piece_sender.h"
#include "server/handlers/worker_handler.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

constexpr size_t kChunk = 256 * 1024;
// A worker sends one at a time, and another where a run is handed back.
constexpr int kSavesPerLease = 4;
// Each checkpoint is held in memory until it is complete.
constexpr int64_t kBytesUnderWayMax = int64_t{512} << 20;
// Some schedulers take two steps for each step asked for. A run without a
// number of steps counts with the most that a run may ask for.
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

// Takes no bytes before the store has said that the sender holds the header's
// lease, and after that no more than the header announced.
class SaveReactor final
    : public grpc::ServerReadReactor<pb::SaveCheckpointRequest>,
      public std::enable_shared_from_this<SaveReactor> {
 public:
  SaveReactor(const Calls& calls, const WorkerHandler::Parts& parts,
              grpc::CallbackServerContext* context)
      : calls_(calls),
        checkpoints_(*parts.checkpoints),
        files_(*parts.files),
        context_(context),
        call_(CallOf(*context, /*cancellable=*/false)) {}
  ~SaveReactor() override {
    if (taken_) under_way_.Leave(claim_.batch, size_);
  }

  void Start(StreamSlots* saves) {
    self_ = shared_from_this();
    stream_ = saves->Enter(CallerOf(context_->peer()),
                           [me = weak_from_this()](const absl::Status& status) {
                             if (const auto alive = me.lock())
                               alive->End(status);
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
    if (request_.has_header()) return AskClaim();
    ReadNext();
  }
  // The read under way then fails and ends the call.
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { self_.reset(); }

 private:
  void ReadNext() {
    stream_->Waits();
    absl::MutexLock lock(&mutex_);
    if (!ended_) StartRead(&request_);
  }

  absl::Status Take() {
    SHEAF_RETURN_IF_ERROR(calls_.door().Check(*context_, request_));
    if (request_.has_header() == (size_ >= 0)) {
      return InvalidArgument({{"header", "must come first, and once"}});
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
    const int64_t most = checkpoints_.options().bytes_max;
    if (header.size_bytes() > most) {
      return InvalidArgument(
          {{"header.size_bytes", absl::StrCat("a checkpoint has at most ", most,
                                              " bytes on this server")}});
    }
    claim_ = ClaimOf(header);
    size_ = header.size_bytes();
    checkpoint_.run = ParseRunName(header.run()).value_or(RunId());
    checkpoint_.epoch = claim_.epoch;
    checkpoint_.step = header.step();
    return absl::OkStatus();
  }

  // Checks that the sender holds the run, and that the run can have come so
  // far.
  absl::Status Check(View& view) {
    SHEAF_ASSIGN_OR_RETURN(const RunParams params,
                           ParamsHeld(view, claim_, checkpoint_.run));
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

  void AskClaim() {
    calls_.store().Read(
        [me = shared_from_this()](View& view) { return me->Check(view); },
        [me = shared_from_this()](absl::Status status) {
          if (status.ok()) status = me->stream_->Claim();
          if (status.ok()) {
            status = under_way_.Take(me->claim_.batch, me->size_);
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
    // Checks again: the lease may have been lost meanwhile.
    calls_.store().Read(
        [me = shared_from_this()](View& view) { return me->Check(view); },
        [me = shared_from_this()](const absl::Status& status) {
          if (!status.ok()) return me->End(status);
          me->files_.Run(
              [me] { me->End(me->checkpoints_.Save(me->checkpoint_)); });
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

  const Calls calls_;
  // Not the handler's parts: the call may have been ended before its last task
  // runs, and the handler may be gone then.
  CheckpointStore& checkpoints_;
  ArtifactLibrary& files_;
  grpc::CallbackServerContext* const context_;
  const CallOptions call_;
  std::shared_ptr<SaveReactor> self_;  // until OnDone
  std::unique_ptr<StreamSlots::Stream> stream_;
  pb::SaveCheckpointRequest request_;
  LeaseClaim claim_;
  int64_t size_ = -1;  // as the header says; -1: none has come
  bool taken_ = false;
  Checkpoint checkpoint_;
  std::atomic<bool> cancelled_ = false;
  absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

class LoadReactor final : public PieceSender<pb::LoadCheckpointResponse> {
 public:
  LoadReactor(const WorkerHandler::Parts& parts,
              grpc::CallbackServerContext* context)
      : PieceSender(parts.files, context), checkpoints_(*parts.checkpoints) {}

  void Start(const Calls& calls, const absl::Status& admitted,
             StreamSlots* downloads, const LeaseClaim& claim, RunId run) {
    if (!Enter(admitted, downloads)) return;
    const auto me = std::static_pointer_cast<LoadReactor>(shared_from_this());
    calls.store().Read(
        [me, claim, run](View& view) -> absl::Status {
          SHEAF_ASSIGN_OR_RETURN(const RunParams params,
                                 ParamsHeld(view, claim, run));
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
      SHEAF_ASSIGN_OR_RETURN(reader_, checkpoints_.OpenReader(run_, request_));
      out->set_step(reader_->checkpoint().step);
      out->set_size_bytes(reader_->size());
    }
    SHEAF_ASSIGN_OR_RETURN(std::string data, reader_->Read(kChunk));
    out->set_data(std::move(data));
    return first || !out->data().empty();
  }

  CheckpointStore& checkpoints_;
  RunId run_;
  std::string request_;
  std::unique_ptr<CheckpointStore::Reader> reader_;
};

}  // namespace

grpc::ServerReadReactor<pb::SaveCheckpointRequest>*
WorkerHandler::SaveCheckpoint(grpc::CallbackServerContext* context,
                              pb::SaveCheckpointResponse*) {
  auto reactor = std::make_shared<SaveReactor>(calls_, parts_, context);
  auto* raw = reactor.get();
  reactor->Start(parts_.saves);
  return raw;
}

grpc::ServerWriteReactor<pb::LoadCheckpointResponse>*
WorkerHandler::LoadCheckpoint(grpc::CallbackServerContext* context,
                              const pb::LoadCheckpointRequest* request) {
  const auto reactor = std::make_shared<LoadReactor>(parts_, context);
  reactor->Start(calls_, calls_.door().Check(*context, *request),
                 parts_.downloads, ClaimOf(*request),
                 ParseRunName(request->run()).value_or(RunId()));
  return reactor.get();
}

}  // namespace sheaf::server
