#include "server/checkpoints.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/hold.h"
#include "server/artifact_library.h"
#include "server/call.h"
#include "server/checkpoint_store.h"
#include "server/convert.h"
#include "server/piece_sender.h"
#include "server/worker_handler.h"

namespace sheaf::server {
namespace {

constexpr size_t kChunk = 256 * 1024;
// Each holds a whole checkpoint in memory.
constexpr int kSavesMax = 64;

// Of a request that has passed its rules; what no store has numbered is held
// by nobody.
template <class Message>
Hold HoldOf(const Message& message) {
  return {.worker = ParseWorkerName(message.worker()).value_or(WorkerId{}),
          .batch = ParseBatchName(message.batch()).value_or(BatchId{}),
          .epoch = message.epoch(),
          .run = ParseRunName(message.run()).value_or(RunId{})};
}

class SaveReactor final
    : public grpc::ServerReadReactor<pb::SaveCheckpointRequest> {
 public:
  SaveReactor(Core* core, grpc::CallbackServerContext* context)
      : core_(core), context_(context) {
    ++under_way_;
  }
  ~SaveReactor() override { --under_way_; }

  void Start() {
    if (under_way_ > kSavesMax) {
      return End(
          Error(Reason::kOverloaded, "too many checkpoints are on their way"));
    }
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Complete();
    const absl::Status status = Take();
    if (!status.ok()) return End(status);
    StartRead(&request_);
  }
  // The read under way fails then, and ends the call.
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

 private:
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
    checkpoint_.run = hold_.run;
    checkpoint_.epoch = hold_.epoch;
    checkpoint_.step = header.step();
    return absl::OkStatus();
  }

  void Complete() {
    if (cancelled_) return Finish(grpc::Status::CANCELLED);
    if (size_ != static_cast<int64_t>(checkpoint_.bytes.size())) {
      return End(InvalidArgument(
          {{"data", "must have header.size_bytes bytes in all"}}));
    }
    core_->store->Read(
        [this](View& view) -> absl::Status {
          SHEAF_ASSIGN_OR_RETURN(const RunParams params,
                                 ParamsHeld(view, hold_));
          checkpoint_.request = RequestDigest(params);
          return absl::OkStatus();
        },
        [this](const absl::Status& status) {
          if (!status.ok()) return End(status);
          core_->artifacts->Run(
              [this] { End(core_->checkpoints->Save(checkpoint_)); });
        });
  }

  void End(const absl::Status& status) { Finish(ToGrpcStatus(status)); }

  static inline std::atomic<int> under_way_ = 0;

  Core* const core_;
  grpc::CallbackServerContext* const context_;
  pb::SaveCheckpointRequest request_;
  Hold hold_;
  int64_t size_ = -1;  // as the header says; -1: none has come
  Checkpoint checkpoint_;
  std::atomic<bool> cancelled_ = false;
};

class LoadReactor final : public PieceSender<pb::LoadCheckpointResponse> {
 public:
  using PieceSender::PieceSender;

  void Start(const absl::Status& admitted, const Hold& hold) {
    if (!Enter(admitted, core()->downloads)) return;
    const auto me = std::static_pointer_cast<LoadReactor>(shared_from_this());
    core()->store->Read(
        [me, hold](View& view) -> absl::Status {
          SHEAF_ASSIGN_OR_RETURN(const RunParams params,
                                 ParamsHeld(view, hold));
          me->run_ = hold.run;
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
      if (!IsFinal(change.state) || !core.checkpoints->Has(change.run)) {
        continue;
      }
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
  auto* reactor = new SaveReactor(&core_, context);
  reactor->Start();
  return reactor;
}

grpc::ServerWriteReactor<pb::LoadCheckpointResponse>*
WorkerHandler::LoadCheckpoint(grpc::CallbackServerContext* context,
                              const pb::LoadCheckpointRequest* request) {
  const auto reactor = std::make_shared<LoadReactor>(&core_, context);
  reactor->Start(Admit(core_, *context, *request), HoldOf(*request));
  return reactor.get();
}

}  // namespace sheaf::server
