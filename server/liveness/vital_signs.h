// Checks that the server does its work: writes, reads, leases, connections,
// maintenance. Tells the health service and the service manager, on a thread of
// its own that waits for none of these.
//
// Owned by the server; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/runner.h"
#include "base/steady_clock.h"
#include "queue/store.h"
#include "server/admission/accept_loop.h"
#include "server/liveness/probe.h"
#include "server/liveness/service_manager.h"
#include "server/scheduling/lease_waiters.h"

namespace sheaf::server {

class VitalSigns {
 public:
  // The parts that it checks and tells. All of them outlive Stop.
  struct Parts {
    Store* store = nullptr;
    LeaseWaiters* lease_waiters = nullptr;
    std::function<absl::Time()> now;
    const AcceptLoop* accept_loop = nullptr;
    std::string address;               // one that the server listens on
    std::function<int64_t()> commits;  // how many there were
    std::function<std::string()> upkeep_problem;
    std::function<bool()> may_serve;  // writes are taken, and we do not stop
    std::function<void(bool)> set_serving;
    SteadyClock* clock = SteadyClock::Real();
  };

  VitalSigns(Parts parts, ServiceManager manager);
  ~VitalSigns() { Stop(); }

  void Start() { probe_.Start(); }
  // Idempotent.
  void Stop();

  // Says what is wrong, in the words of an operator.
  std::vector<std::string> Problems() const;
  bool ReadsWork() const { return !probe_.HasFailed(kReads); }

 private:
  static constexpr char kReads[] = "reads";

  static Probe::Check Reads(const Parts& parts);
  void Tell();

  const Parts parts_;
  const ServiceManager manager_;
  Runner caller_;  // of CallSelf
  Probe probe_;
};

}  // namespace sheaf::server
