// The schedulers by their common names: "DPM++ 2M Karras", "Euler a". A name
// stands for a class and for changes to the model's own configuration.
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

// All names, in the order in which lists show them. "auto" is not among them.
const std::vector<SchedulerName>& SchedulerNames();

// The configuration that `name` means for a model whose scheduler_config.json
// is `model`. Names are compared without case, blanks, '_' and '-'. "auto" (and
// "") is the model's own class; class names ("EulerDiscreteScheduler", with or
// without its ending) are names, too; and "Karras", "Exponential", "Beta" or
// "SGM Uniform" may follow any name. `overrides` are a request's own keys, laid
// over everything. INVALID_ARGUMENT for an unknown name, with the name that was
// probably meant, and for a configuration that ReadSchedulerConfig refuses.
absl::StatusOr<SchedulerConfig> ResolveScheduler(std::string_view name,
                                                 const Config& model,
                                                 const Config& overrides);

// The common name of the scheduler that "auto" means for a model: "PNDM",
// "DPM++ 2M Karras". Where several names stand for one class, returns the
// plainest. Empty for a file that names no scheduler of ours.
std::string OwnSchedulerName(const Config& model);

// The name to record for a scheduler that was asked for as `name`, for a model
// whose own scheduler is called `own`. Where `name` means the model's own,
// returns `own`, since "auto" does not tell how a picture was made. Otherwise,
// and where `own` is empty, returns `name`.
std::string SamplerName(std::string_view name, std::string_view own);

}  // namespace sheaf::engine
