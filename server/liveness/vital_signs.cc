#include "server/liveness/vital_signs.h"

#include <utility>

#include "server/liveness/self_call.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kCallSelf = absl::Seconds(4);
// No queue can have this name.
constexpr char kNoQueue[] = "(probe)";

Probe::Check Writes(const VitalSigns::Parts& parts) {
  return {.name = "writes",
          .ask =
              [store = parts.store](Probe::Answered answered) {
                store->Write([](Tx&) { return absl::OkStatus(); },
                             std::move(answered), {.own = true});
              },
          .answers = parts.commits};
}

Probe::Check Leases(const VitalSigns::Parts& parts) {
  return {
      .name = "leases",
      .ask =
          [store = parts.store, lease_waiters = parts.lease_waiters,
           now = parts.now](Probe::Answered answered) {
            // A look in no queue reads no run, so one is read first.
            store->Write(
                [](Tx& tx) {
                  (void)tx.FindRun(RunId());
                  return absl::OkStatus();
                },
                [lease_waiters, now,
                 answered = std::move(answered)](const absl::Status& read) {
                  if (!read.ok()) return answered(read);
                  Lessee nobody;
                  nobody.name = kNoQueue;
                  nobody.queues = {kNoQueue};
                  lease_waiters->Wait(
                      std::move(nobody), now(),
                      [answered](
                          const absl::StatusOr<std::optional<Leased>>& leased) {
                        answered(leased.status());
                      });
                },
                {.own = true});
          },
      .answers = [lease_waiters =
                      parts.lease_waiters] { return lease_waiters->looks(); }};
}

// Connects as clients do. A refusal because others have all the connections
// that there may be is good, too: the loop that refuses us is alive.
absl::Status Connect(const VitalSigns::Parts& parts) {
  const int64_t refused = parts.accept_loop->refused();
  const absl::Status status = CallSelf(parts.address, kCallSelf);
  if (parts.accept_loop->refused() != refused) return absl::OkStatus();
  return status;
}

Probe::Check Connections(const VitalSigns::Parts& parts, Runner* caller) {
  return {.name = "new connections",
          .ask =
              [&parts, caller](Probe::Answered answered) {
                caller->Run([&parts, answered = std::move(answered)] {
                  answered(Connect(parts));
                });
              },
          .answers = [loop = parts.accept_loop] { return loop->accepted(); }};
}

}  // namespace

Probe::Check VitalSigns::Reads(const Parts& parts) {
  return {.name = kReads,
          .ask = [store = parts.store](Probe::Answered answered) {
            store->Read([](View&) { return absl::OkStatus(); },
                        std::move(answered), {.own = true});
          }};
}

VitalSigns::VitalSigns(Parts parts, ServiceManager manager)
    : parts_(std::move(parts)),
      manager_(std::move(manager)),
      probe_({Writes(parts_), Reads(parts_), Leases(parts_),
              Connections(parts_, &caller_)},
             {.clock = parts_.clock, .on_tick = [this] { Tell(); }}) {}

void VitalSigns::Stop() {
  probe_.Stop();
  caller_.Stop();
}

std::vector<std::string> VitalSigns::Problems() const {
  std::vector<std::string> problems = probe_.Problems();
  if (std::string text = parts_.upkeep_problem(); !text.empty()) {
    problems.push_back(std::move(text));
  }
  return problems;
}

void VitalSigns::Tell() {
  if (probe_.IsAlive()) manager_.Alive();
  parts_.set_serving(parts_.may_serve() && Problems().empty());
}

}  // namespace sheaf::server
