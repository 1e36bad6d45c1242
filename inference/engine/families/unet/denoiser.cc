#include "inference/engine/families/unet/denoiser.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status.h"
#include "inference/engine/families/unet/conditioner.h"
#include "inference/engine/families/unet/controlnet.h"
#include "inference/engine/families/unet/prompt_memory.h"

namespace sheaf::engine {
namespace {

const UNetConditioning& UNetConditioningOf(const Line& line) {
  const auto* own =
      dynamic_cast<const UNetConditioning*>(line.branch->conditioning.get());
  SHEAF_CHECK(own != nullptr);
  return *own;
}

// The tensors of all lines, one row each.
struct Inputs {
  at::Tensor sample;
  TimeInput time;
};

at::Tensor StackDefined(const std::vector<at::Tensor>& tensors,
                        at::Device device) {
  return tensors.front().defined() ? at::stack(tensors).to(device)
                                   : at::Tensor();
}

Inputs Gather(const std::vector<Line>& lines, bool with_extra,
              at::Device device) {
  std::vector<at::Tensor> samples, pooled, time_ids;
  std::vector<float> timesteps, guidance;
  for (const Line& line : lines) {
    const UNetConditioning& conditioning = UNetConditioningOf(line);
    const at::Tensor input = line.row->Input();
    samples.push_back(with_extra && line.branch->extra.defined()
                          ? at::cat({input, line.branch->extra})
                          : input);
    pooled.push_back(conditioning.pooled);
    time_ids.push_back(conditioning.time_ids);
    timesteps.push_back(static_cast<float>(line.row->step().timestep));
    guidance.push_back(static_cast<float>(line.row->start().guidance));
  }
  Inputs inputs;
  inputs.sample = at::stack(samples).to(device);
  inputs.time = {.timesteps = at::tensor(timesteps).to(device),
                 .pooled = StackDefined(pooled, device),
                 .time_ids = StackDefined(time_ids, device),
                 .guidance = at::tensor(guidance).to(device)};
  return inputs;
}

std::vector<at::Tensor> ContextsOf(const std::vector<Line>& lines) {
  std::vector<at::Tensor> contexts;
  for (const Line& line : lines) {
    contexts.push_back(UNetConditioningOf(line).context);
  }
  return contexts;
}

// The call of one ControlNet in a step, with only the lines that it works for.
struct ControlCall {
  std::shared_ptr<const ControlModel> net;
  bool guess_mode = false;
  std::vector<Line> lines;
  std::vector<const RowControl*> controls;  // One for each line.
  std::vector<int64_t> places;              // The lines' in the UNet's call.
};

// Sums depend on their order. So the calls are ordered such that each row's
// controls come in the row's own order, whatever the other rows list. Where the
// orders of two rows contradict each other, a network is called twice.
std::vector<ControlCall> LiveControls(const std::vector<Line>& lines) {
  std::vector<ControlCall> live;
  for (size_t place = 0; place < lines.size(); ++place) {
    const Line& line = lines[place];
    auto next = live.begin();  // After the call for the control before.
    for (const RowControl& control : line.row->start().controls) {
      if (line.row->WeightOf(control) == 0) continue;
      if (control.guess_mode && !line.branch->is_prompt) continue;
      // Controls in guess mode do not share a call with others.
      const auto same = [&](const ControlCall& call) {
        return call.net == control.net && call.guess_mode == control.guess_mode;
      };
      auto found = std::find_if(next, live.end(), same);
      if (found == live.end()) {
        found =
            live.insert(next, {control.net, control.guess_mode, {}, {}, {}});
      }
      found->lines.push_back(line);
      found->controls.push_back(&control);
      found->places.push_back(static_cast<int64_t>(place));
      next = found + 1;
    }
  }
  return live;
}

ControlResiduals CallControl(const ControlCall& call, at::Device device,
                             PromptMemory* memory) {
  const auto net = std::dynamic_pointer_cast<const ControlNet>(call.net);
  SHEAF_CHECK(net != nullptr);
  std::vector<at::Tensor> hints;
  std::vector<float> weights;
  for (size_t i = 0; i < call.lines.size(); ++i) {
    const RowControl& control = *call.controls[i];
    hints.push_back(control.hint);
    weights.push_back(static_cast<float>(call.lines[i].row->WeightOf(control)));
  }
  const Inputs inputs = Gather(call.lines, false, device);
  auto prompts = memory->Take(net, ContextsOf(call.lines), device);
  ControlResiduals residuals =
      net->WithHint({.sample = inputs.sample,
                     .time = inputs.time,
                     .context = prompts->tokens,
                     .keys = &prompts->keys,
                     .hint = at::stack(hints).to(device),
                     .weights = at::tensor(weights),
                     .guess_mode = call.guess_mode});
  memory->Keep(std::move(prompts));
  residuals.rows = at::tensor(call.places).to(device);
  return residuals;
}

}  // namespace

CallKey UNetDenoiser::KeyOf(const Line& line) const {
  CallKey key = line.row->start().sample.sizes().vec();
  key.push_back(UNetConditioningOf(line).context.size(0));
  return key;
}

std::unique_ptr<CallMemory> UNetDenoiser::NewMemory() const {
  return std::make_unique<PromptMemory>();
}

std::vector<at::Tensor> UNetDenoiser::Call(const std::vector<Line>& lines,
                                           CallMemory* memory) const {
  auto* const remembered = dynamic_cast<PromptMemory*>(memory);
  SHEAF_CHECK(remembered != nullptr);
  const at::Device device = unet_->placement().device;
  const Inputs inputs = Gather(lines, true, device);
  auto prompts = remembered->Take(unet_, ContextsOf(lines), device);
  UNetInput input = {.sample = inputs.sample,
                     .time = inputs.time,
                     .context = prompts->tokens,
                     .keys = &prompts->keys};
  for (const ControlCall& call : LiveControls(lines)) {
    input.controls.push_back(CallControl(call, device, remembered));
  }
  const at::Tensor outputs = (*unet_)(input);
  remembered->Keep(std::move(prompts));
  return outputs.unbind();
}

absl::StatusOr<std::shared_ptr<const ControlModel>> UNetDenoiser::LoadControl(
    const std::string& folder, const LoadOptions& options) const {
  SHEAF_ASSIGN_OR_RETURN(std::shared_ptr<const ControlModel> net,
                         ControlNet::Load(folder, options, unet_->placement()));
  return net;
}

}  // namespace sheaf::engine
