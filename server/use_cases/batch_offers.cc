#include "server/use_cases/batch_offers.h"

#include <algorithm>
#include <utility>

#include "queue/leasing/lease_ends.h"
#include "server/use_cases/run_checkpoints.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kWaitMax = absl::Seconds(60);

}  // namespace

std::shared_ptr<BatchOffers::Asked> BatchOffers::Ask(
    const WorkerInfo& worker, const WorkQuestion& question,
    Answer answer) const {
  Lessee who = worker.lessee;
  who.beside = question.beside;
  who.beside_secret = question.secret;
  who.row_count = question.row_count;
  const std::shared_ptr<Asked> asked(
      new Asked(*this, std::move(who), std::move(answer)));
  if (worker.draining) {
    asked->answer_(BatchOffer{.drain = true});
    return asked;
  }
  const absl::Time now = parts_.now();
  const WorkerId id = worker.lessee.id;
  parts_.workers->Heard(id, now);
  asked->handle_ = parts_.lease_waiters->Wait(
      asked->who_, now + std::min(question.wait, kWaitMax),
      [asked](absl::StatusOr<std::optional<Leased>> got) {
        asked->Answered(std::move(got));
      });
  // An order to measure that came before the wait has not ended it.
  if (!question.beside && parts_.workers->MustCalibrate(id)) {
    parts_.lease_waiters->Drop(asked->handle_);
  }
  return asked;
}

void BatchOffers::Asked::Leave() {
  has_left_ = true;
  offers_.parts_.lease_waiters->Drop(handle_);
}

void BatchOffers::Asked::Answered(absl::StatusOr<std::optional<Leased>> got) {
  if (!got.ok()) return answer_(got.status());
  BatchOffer offer;
  if (has_left_) {
    if (got->has_value()) offers_.HandBack((*got)->batch.id);
    return answer_(std::move(offer));
  }
  if (got->has_value()) offer = offers_.OfferTo(who_, **std::move(got));
  // A worker that is already stepping rows would ignore this flag.
  if (!who_.beside) {
    offer.calibrate = offers_.parts_.workers->TakeCalibrate(who_.id);
  }
  answer_(std::move(offer));
}

BatchOffer BatchOffers::OfferTo(const Lessee& who, Leased leased) const {
  const absl::Time now = parts_.now();
  parts_.planner->Took(leased, who, parts_.under_way->Started(leased, who, now),
                       now);
  std::vector<int> saved_steps = SavedSteps(*parts_.checkpoints, leased);
  return {.leased = std::move(leased),
          .saved_steps = std::move(saved_steps),
          .preview_steps = parts_.preview_steps,
          .checkpoint_steps = parts_.checkpoint_steps};
}

void BatchOffers::HandBack(BatchId batch) const {
  parts_.store->Write(
      [batch](Tx& tx) {
        EndLease(tx, batch, LeaseEnd::kHandedBack);
        return absl::OkStatus();
      },
      [](const absl::Status&) {}, {.own = true});
}

}  // namespace sheaf::server
