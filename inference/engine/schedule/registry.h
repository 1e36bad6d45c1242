// The schedulers by the names people know them by: "DPM++ 2M Karras", "Euler
// a". A name is a class and what it changes in the model's own configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/schedule/scheduler_config.h"
#include "inference/engine/weights/config.h"

namespace sheaf::engine {

struct SchedulerName {
  std::string_view name;
  SchedulerClass scheduler;
  // A JSON object of configuration keys.
  std::string_view overrides;
};

// All of them, in the order of a list for people. "auto" is not among them.
const std::vector<SchedulerName>& SchedulerNames();

// The configuration that `name` means for a model whose scheduler_config.json
// is `model`. Names are compared without case, blanks, '_' and '-'. "auto" (and
// "") is the model's own class; class names ("EulerDiscreteScheduler", with or
// without its ending) are names, too; and "Karras", "Exponential", "Beta" or
// "SGM Uniform" may follow any name. `overrides` are a request's own keys, laid
// over everything. INVALID_ARGUMENT for a name nobody knows, with what it was
// probably meant to be, and for what ReadSchedulerConfig refuses.
absl::StatusOr<SchedulerConfig> ResolveScheduler(std::string_view name,
                                                 const Config& model,
                                                 const Config& overrides);

// What people call the scheduler that "auto" means for a model: "PNDM", "DPM++
// 2M Karras". Several names may be of one class; then it is the plainest.
// Empty for a file that names no scheduler of ours.
std::string OwnSchedulerName(const Config& model);

// What to call the scheduler that was asked for as `name` of a model whose own
// has the name `own`: "auto" would tell nobody how a picture was made. `name`
// itself where `own` is empty, or another one was asked for.
std::string SamplerName(std::string_view name, std::string_view own);

}  // namespace sheaf::engine
