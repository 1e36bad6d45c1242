// Streams pieces of a file to a caller who may stop taking them. The stream has
// a place among those of its kind (server/admission/stream_slots.h), holds one
// piece in memory and no file open, and is broken off where the caller takes
// nothing.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "queue/error.h"
#include "server/admission/caller.h"
#include "server/admission/stream_slots.h"
#include "server/blobs/artifact_library.h"
#include "server/handlers/call_options.h"
#include "server/wire/wire_status.h"

namespace sheaf::server {

// Made by make_shared; keeps itself alive until the call is done. A subclass
// calls Enter, finds out what to send, and calls Send.
template <class Message>
class PieceSender : public grpc::ServerWriteReactor<Message>,
                    public std::enable_shared_from_this<PieceSender<Message>> {
 public:
  // Reads files on the disk threads of `files`.
  PieceSender(ArtifactLibrary* files, grpc::CallbackServerContext* context)
      : files_(*files), context_(context), caller_(CallerOf(context->peer())) {}

  void OnWriteDone(bool ok) final {
    place_->Heard(static_cast<int64_t>(out_.ByteSizeLong()));
    if (!ok) return End(Cancelled());
    out_.Clear();
    Send();
  }
  void OnCancel() final { cancelled_ = true; }
  void OnDone() final {
    place_.reset();
    self_.reset();
  }

 protected:
  // Puts the next piece into `out`, which may have been begun already; false
  // at the end. May wait for the disk.
  virtual absl::StatusOr<bool> Next(Message* out) = 0;

  // Call it first. False: the call has been refused, by `admitted` or for want
  // of a place, and there is nothing more to do.
  bool Enter(const absl::Status& admitted, StreamSlots* slots) {
    self_ = this->shared_from_this();
    if (!admitted.ok()) return End(admitted), false;
    place_ = slots->Enter(
        caller_, [weak = this->weak_from_this()](const absl::Status& status) {
          if (const auto me = weak.lock()) me->PutOut(status);
        });
    place_->Heard(0);  // with its request the caller has done its part
    const absl::Status claimed = place_->Claim();
    if (!claimed.ok()) End(claimed);
    return claimed.ok();
  }

  // Sends all pieces that Next gives, then ends the call.
  void Send() {
    files_.Run(caller_.connection,
               [me = this->shared_from_this()] { me->SendNext(); });
  }

  void End(const absl::Status& status) {
    {
      const absl::MutexLock lock(&mutex_);
      if (why_.ok()) why_ = status;
      wants_end_ = true;
      if (ended_ || putting_out_) return;
      ended_ = true;
    }
    this->Finish(ToGrpcStatus(why_));
  }

  ArtifactLibrary& files() const { return files_; }
  // The options for a read of the store before Send.
  CallOptions call() const { return CallOf(*context_); }
  // The first piece: fields that are set here before Send are sent with it.
  Message* out() { return &out_; }

 private:
  static absl::Status Cancelled() {
    return Error(Reason::kCallCancelled, "the caller has gone");
  }

  void SendNext() {
    if (cancelled_) return End(Cancelled());
    const absl::StatusOr<bool> more = Next(&out_);
    if (!more.ok() || !*more) return End(more.status());
    place_->Waits();
    this->StartWrite(&out_);
  }

  // A status would wait behind the piece that nobody takes, so this breaks the
  // stream off instead. The call must not end before that, because the context
  // ends with the call.
  void PutOut(const absl::Status& status) {
    {
      const absl::MutexLock lock(&mutex_);
      if (ended_) return;
      why_ = status;
      putting_out_ = true;
    }
    context_->TryCancel();
    {
      const absl::MutexLock lock(&mutex_);
      putting_out_ = false;
      if (!wants_end_) return;
      ended_ = true;
    }
    this->Finish(ToGrpcStatus(why_));
  }

  ArtifactLibrary& files_;
  grpc::CallbackServerContext* const context_;
  const Caller caller_;
  std::shared_ptr<PieceSender> self_;  // until OnDone
  std::unique_ptr<StreamSlots::Stream> place_;
  Message out_;
  std::atomic<bool> cancelled_ = false;
  absl::Mutex mutex_;
  absl::Status why_;  // fixed once it has ended
  bool wants_end_ ABSL_GUARDED_BY(mutex_) = false;
  bool putting_out_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sheaf::server
