// WorkerHandler::ReportProfile.
#include <cmath>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status.h"
#include "batching/pricing/profile.h"
#include "server/handlers/calls.h"
#include "server/handlers/worker_claim.h"
#include "server/handlers/worker_handler.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/workers.h"
#include "server/wire/convert.h"

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

bool HasDevice(const WorkerInfo& worker, const std::string& device) {
  for (const DeviceInfo& own : worker.devices) {
    if (own.name == device) return true;
  }
  return false;
}

}  // namespace

grpc::ServerUnaryReactor* WorkerHandler::ReportProfile(
    grpc::CallbackServerContext* context,
    const pb::ReportProfileRequest* request, pb::ReportProfileResponse*) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const absl::StatusOr<WorkerInfo> worker =
        WorkerOf(*parts_.workers, *context, *request);
    if (!worker.ok()) return worker.status();
    if (!HasDevice(*worker, request->device())) {
      return Error(Reason::kInvalidField,
                   absl::StrCat("device: ", request->worker(),
                                " did not register with a device '",
                                request->device(), "'"));
    }
    auto profile = ProfileIn(request->json());
    if (!profile.ok()) return profile.status();
    const WorkKind kind{request->device(), request->model(), request->width(),
                        request->height()};
    parts_.prices->Measured(kind, *std::move(profile));
    Log(spdlog::level::info, "calibration", "measured",
        {{"worker", worker->lessee.name},
         {"device", kind.device},
         {"model", kind.model},
         {"size", absl::StrCat(kind.width, "x", kind.height)}});
    return Calls::Done(context);
  });
}

}  // namespace sheaf::server
