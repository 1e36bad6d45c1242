// JobsHandler::StreamJobs: many submits in flight on one stream, each stored
// or refused on its own, answered in order.
#include <deque>

#include "base/status.h"
#include "server/handlers/call_options.h"
#include "server/handlers/calls.h"
#include "server/handlers/jobs_handler.h"
#include "server/handlers/ready_job.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

// Most submits of one stream that are taken in and not answered yet, and most
// bytes of those. gRPC looks at no other connection as long as messages of
// streams lie ready, so others wait for as much of a flood as these limits let
// in.
constexpr size_t kInFlightMax = 256;
constexpr int64_t kBytesInFlightMax = 16 << 20;
// A message no larger than this is kept, and the next one is read into it.
constexpr int kRunsKept = 16;
constexpr int kBytesKept = 4096;

class StreamReactor final
    : public grpc::ServerBidiReactor<pb::SubmitJobRequest,
                                     pb::StreamJobsResponse>,
      public std::enable_shared_from_this<StreamReactor> {
 public:
  StreamReactor(const Calls& calls, const JobIntake* intake,
                grpc::CallbackServerContext* context)
      : calls_(calls),
        intake_(*intake),
        context_(context),
        caller_(CallOf(*context, /*cancellable=*/false)) {}

  void Start() {
    self_ = shared_from_this();
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      absl::MutexLock lock(&mutex_);
      reading_ = false;
      half_closed_ = true;
      return Advance();
    }
    const int64_t index = next_index_++;
    auto ready = Take();
    // The stream may be silent from here on: a large message is not kept.
    if (!ready.ok() || request_.job().runs_size() > kRunsKept ||
        request_.GetCachedSize() > kBytesKept) {
      pb::SubmitJobRequest().Swap(&request_);
    }
    {
      absl::MutexLock lock(&mutex_);
      slots_.emplace_back();
      slots_.back().response.set_index(index);
      if (ready.ok()) {
        slots_.back().bytes = (*ready)->prepared.bytes;
        bytes_in_flight_ += slots_.back().bytes;
      } else {
        Fill(index, ready.status(), nullptr);
      }
    }
    if (ready.ok()) Send(index, *std::move(ready));
    absl::MutexLock lock(&mutex_);
    reading_ = !ended_ && slots_.size() < kInFlightMax &&
               bytes_in_flight_ < kBytesInFlightMax;
    if (reading_) StartRead(&request_);
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) {
      ended_ = true;
      return MaybeFinish();
    }
    slots_.pop_front();
    ++first_index_;
    Advance();
    if (!reading_ && !half_closed_ && !ended_ &&
        slots_.size() < kInFlightMax / 2 &&
        bytes_in_flight_ < kBytesInFlightMax / 2) {
      reading_ = true;
      StartRead(&request_);
    }
  }

  void OnCancel() override {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    MaybeFinish();
  }
  void OnDone() override { self_.reset(); }

 private:
  struct Slot {
    pb::StreamJobsResponse response;
    int64_t bytes = 0;  // of the job, until the store has taken it
    bool filled = false;
  };

  absl::StatusOr<std::shared_ptr<const ReadyJob>> Take() {
    SHEAF_RETURN_IF_ERROR(calls_.door().Check(*context_, request_));
    if (request_.validate_only()) {
      return InvalidArgument({{"validate_only", "is not allowed in streams"}});
    }
    return intake_.MakeReady(request_);
  }

  void Send(int64_t index, std::shared_ptr<const ReadyJob> job) {
    auto submitted = std::make_shared<Submitted>();
    calls_.store().Write(
        [job = std::move(job), submitted,
         limits = intake_.limits()](Tx& tx) -> absl::Status {
          SHEAF_ASSIGN_OR_RETURN(*submitted, Submit(tx, job->prepared, limits));
          return absl::OkStatus();
        },
        [me = shared_from_this(), index,
         submitted](const absl::Status& status) {
          absl::MutexLock lock(&me->mutex_);
          me->Fill(index, status, submitted.get());
        },
        caller_);
  }

  void Fill(int64_t index, const absl::Status& status,
            const Submitted* submitted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Slot& slot = slots_[static_cast<size_t>(index - first_index_)];
    slot.filled = true;
    bytes_in_flight_ -= std::exchange(slot.bytes, 0);
    if (status.ok()) {
      slot.response.set_job(NameOf(submitted->job.id));
      slot.response.set_replayed(submitted->replayed);
    } else {
      slot.response.set_code(static_cast<int>(status.code()));
      const auto reason = ReasonOf(status);
      slot.response.set_reason(
          std::string(InfoOf(reason.value_or(Reason::kInternal)).name));
      slot.response.set_message(std::string(status.message()));
    }
    Advance();
  }

  // Writes the next answer if it is there and the wire is free.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!writing_ && !ended_ && !slots_.empty() && slots_.front().filled) {
      writing_ = true;
      // No buffer hint: the write would end only with the one after it.
      StartWrite(&slots_.front().response);
      return;
    }
    MaybeFinish();
  }

  void MaybeFinish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (finished_ || writing_) return;
    if (!ended_ && !(half_closed_ && slots_.empty())) return;
    finished_ = true;
    ended_ = true;
    Finish(grpc::Status::OK);
  }

  const Calls calls_;
  const JobIntake& intake_;
  grpc::CallbackServerContext* const context_;
  const CallOptions caller_;
  std::shared_ptr<StreamReactor> self_;  // until OnDone
  pb::SubmitJobRequest request_;
  int64_t next_index_ = 0;
  absl::Mutex mutex_;
  // Answers not written yet, the first of them for `first_index_`.
  std::deque<Slot> slots_ ABSL_GUARDED_BY(mutex_);
  int64_t first_index_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t bytes_in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  bool reading_ ABSL_GUARDED_BY(mutex_) = true;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

grpc::ServerBidiReactor<pb::SubmitJobRequest, pb::StreamJobsResponse>*
JobsHandler::StreamJobs(grpc::CallbackServerContext* context) {
  auto reactor =
      std::make_shared<StreamReactor>(calls_, parts_.intake, context);
  auto* raw = reactor.get();
  raw->Start();
  return raw;
}

}  // namespace sheaf::server
