#include "server/use_cases/worker_profile.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status.h"
#include "batching/pricing/profile.h"
#include "queue/error.h"
#include "server/scheduling/work_of.h"

namespace sheaf::server {
namespace {

absl::Status Wrong(const std::string& what) {
  return Error(Reason::kInvalidField, absl::StrCat("json: ", what));
}

// The profile prices plans: a bad figure in it would be found only late.
absl::StatusOr<batching::Profile> ProfileIn(const std::string& json) {
  const auto profiles = batching::ParseProfiles(json);
  if (!profiles.ok()) return Wrong(std::string(profiles.status().message()));
  if (profiles->size() != 1) return Wrong("must hold one profile");
  const batching::Profile& profile = profiles->begin()->second;
  for (const auto& [n, ms] : profile.measured) {
    if (n < 1 || !(ms > 0) || !std::isfinite(ms)) {
      return Wrong("a measured step must take some time");
    }
  }
  if (!(profile.Step(1) > 0) || !std::isfinite(profile.Step(1024))) {
    return Wrong("a step must take some time");
  }
  return profile;
}

// The worker's device of that name; null where it has none.
const DeviceInfo* FindDevice(const WorkerInfo& worker,
                             const std::string& name) {
  const auto found =
      std::find_if(worker.devices.begin(), worker.devices.end(),
                   [&](const DeviceInfo& own) { return own.name == name; });
  return found == worker.devices.end() ? nullptr : &*found;
}

}  // namespace

absl::Status TakeProfile(PricesBoard* prices, const WorkerInfo& worker,
                         WorkKind kind, const std::string& json) {
  const DeviceInfo* device = FindDevice(worker, kind.device);
  if (device == nullptr) {
    return Error(
        Reason::kInvalidField,
        absl::StrCat("device: ", NameOf(worker.lessee.id),
                     " did not register with a device '", kind.device, "'"));
  }
  SHEAF_ASSIGN_OR_RETURN(batching::Profile profile, ProfileIn(json));
  kind.device = IdentityOf(*device);
  kind = Spelled(std::move(kind), worker.models.get());
  prices->Measured(kind, std::move(profile));
  Log(spdlog::level::info, "calibration", "measured",
      {{"worker", worker.lessee.name},
       {"device", kind.device},
       {"model", kind.model},
       {"size", absl::StrCat(kind.width, "x", kind.height)}});
  return absl::OkStatus();
}

}  // namespace sheaf::server
