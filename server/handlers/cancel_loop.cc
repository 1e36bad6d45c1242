#include "server/handlers/cancel_loop.h"

#include <utility>

#include "base/status.h"

namespace sheaf::server {
namespace {

// Jobs that one page finds and cancels.
constexpr int kJobsPerPage = 500;

CancelCounts WouldCancelOf(const Job& job, bool keep_running) {
  CancelCounts counts{.cancelled = job.counts.queued,
                      .stopping = keep_running ? 0 : job.counts.running};
  counts.jobs = counts.cancelled + counts.stopping > 0 ? 1 : 0;
  return counts;
}

}  // namespace

CancelLoop::CancelLoop(const Calls& calls, grpc::CallbackServerContext* context,
                       FilterExpr filter, CancelOptions options, bool rehearsal,
                       Answer answer)
    : calls_(calls),
      context_(*context),
      reactor_(context->DefaultReactor()),
      filter_(std::move(filter)),
      options_(std::move(options)),
      rehearsal_(rehearsal),
      answer_(std::move(answer)) {}

grpc::ServerUnaryReactor* CancelLoop::Start() {
  auto* reactor = reactor_;
  Scan();
  return reactor;
}

void CancelLoop::Scan() {
  auto me = shared_from_this();
  calls_.store().Read(
      [me](View& view) {
        me->page_ = ListJobs(view, {.filter = &me->filter_,
                                    .after = me->after_,
                                    .ascending = true,
                                    .limit = kJobsPerPage});
        return absl::OkStatus();
      },
      [me](const absl::Status& status) { me->Scanned(status); },
      ScanOf(context_));
}

void CancelLoop::Scanned(const absl::Status& status) {
  if (!status.ok()) return End(status);
  jobs_.clear();
  for (const Job& job : page_.jobs) {
    const CancelCounts counts = WouldCancelOf(job, options_.keep_running);
    if (counts.jobs == 0) continue;
    jobs_.push_back(job.id);
    if (rehearsal_) Add(counts);
  }
  place_ = {};
  if (rehearsal_ || jobs_.empty()) return Next();
  Cancel();
}

void CancelLoop::Cancel() {
  auto me = shared_from_this();
  calls_.store().Write(
      [me](Tx& tx) -> absl::Status {
        Place place = me->place_;
        CancelCounts done;
        int64_t room = kRunsPerSlice;
        while (room > 0 && place.job < me->jobs_.size()) {
          SHEAF_ASSIGN_OR_RETURN(
              const CancelSlice slice,
              CancelSome(tx, me->jobs_[place.job], place.run, me->options_,
                         &me->filter_, static_cast<int>(room)));
          done.cancelled += slice.counts.cancelled;
          done.stopping += slice.counts.stopping;
          if (slice.counts.jobs > 0 && !std::exchange(place.counted, true)) {
            ++done.jobs;
          }
          room -= slice.counts.cancelled + slice.counts.stopping + 1;
          place.run = slice.next;
          if (slice.next) break;
          place = {.job = place.job + 1};
        }
        me->place_after_ = place;
        me->done_ = done;
        return absl::OkStatus();
      },
      [me](const absl::Status& status) { me->Cancelled(status); },
      RoomMakingOf(context_));
}

void CancelLoop::Cancelled(const absl::Status& status) {
  if (!status.ok()) return End(status);
  Add(done_);
  place_ = place_after_;
  if (place_.job == jobs_.size()) return Next();
  if (absl::Status s = calls_.door().MayGoOn(context_); !s.ok()) return End(s);
  Cancel();
}

void CancelLoop::Next() {
  if (!page_.next) return End(absl::OkStatus());
  after_ = page_.next;
  if (absl::Status s = calls_.door().MayGoOn(context_); !s.ok()) return End(s);
  Scan();
}

void CancelLoop::Add(const CancelCounts& counts) {
  total_.jobs += counts.jobs;
  total_.cancelled += counts.cancelled;
  total_.stopping += counts.stopping;
}

void CancelLoop::End(const absl::Status& status) {
  if (status.ok()) answer_(total_);
  reactor_->Finish(ToGrpcStatus(status));
}

}  // namespace sheaf::server
