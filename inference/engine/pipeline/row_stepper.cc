#include "inference/engine/pipeline/row_stepper.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/status.h"
#include "inference/engine/tensor/guard.h"

namespace sheaf::engine {
namespace {

// One line of a model call: a row and one of its branches.
struct Line {
  const Row* row;
  const Branch* branch;
  const RowControl* control = nullptr;
  int64_t place = 0;  // In the UNet's call.
};

std::vector<Line> LinesOf(const std::vector<Row*>& rows) {
  std::vector<Line> lines;
  for (const Row* row : rows) {
    for (const Branch& branch : row->start().branches) {
      lines.push_back(
          {row, &branch, nullptr, static_cast<int64_t>(lines.size())});
    }
  }
  return lines;
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
    const at::Tensor input = line.row->Input();
    samples.push_back(with_extra && line.branch->extra.defined()
                          ? at::cat({input, line.branch->extra})
                          : input);
    pooled.push_back(line.branch->pooled);
    time_ids.push_back(line.branch->time_ids);
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

// The ControlNet calls of this step, each with only the lines that it works
// for.
using ControlLines = std::vector<
    std::pair<std::shared_ptr<const ControlNet>, std::vector<Line>>>;

// Sums depend on their order. So the calls are ordered such that each row's
// controls come in the row's own order, whatever the other rows list. Where the
// orders of two rows contradict each other, a network is called twice.
ControlLines LiveControls(const std::vector<Line>& lines) {
  ControlLines live;
  for (const Line& line : lines) {
    auto next = live.begin();  // After the call for the control before.
    for (const RowControl& control : line.row->start().controls) {
      if (line.row->WeightOf(control) == 0) continue;
      if (control.guess_mode && !line.branch->is_prompt) continue;
      Line own = line;
      own.control = &control;
      // Controls in guess mode do not share a call with others.
      const auto same = [&](const auto& call) {
        return call.first == control.net &&
               call.second.front().control->guess_mode == control.guess_mode;
      };
      auto found = std::find_if(next, live.end(), same);
      if (found == live.end()) found = live.insert(next, {control.net, {}});
      found->second.push_back(own);
      next = found + 1;
    }
  }
  return live;
}

std::vector<at::Tensor> ContextsOf(const std::vector<Line>& lines) {
  std::vector<at::Tensor> contexts;
  for (const Line& line : lines) contexts.push_back(line.branch->context);
  return contexts;
}

ControlResiduals CallControl(const std::shared_ptr<const ControlNet>& net,
                             const std::vector<Line>& lines, at::Device device,
                             PromptMemory* memory) {
  std::vector<at::Tensor> hints;
  std::vector<float> weights;
  std::vector<int64_t> places;
  for (const Line& line : lines) {
    hints.push_back(line.control->hint);
    weights.push_back(static_cast<float>(line.row->WeightOf(*line.control)));
    places.push_back(line.place);
  }
  const Inputs inputs = Gather(lines, false, device);
  auto prompts = memory->Take(net, ContextsOf(lines), device);
  ControlResiduals residuals =
      net->WithHint({.sample = inputs.sample,
                     .time = inputs.time,
                     .context = prompts->tokens,
                     .keys = &prompts->keys,
                     .hint = at::stack(hints).to(device),
                     .weights = at::tensor(weights),
                     .guess_mode = lines.front().control->guess_mode});
  memory->Keep(std::move(prompts));
  residuals.rows = at::tensor(places).to(device);
  return residuals;
}

}  // namespace

RowStepper::Shape RowStepper::ShapeOf(const Row& row) {
  Shape shape = row.start().sample.sizes().vec();
  shape.push_back(row.start().branches.front().context.size(0));
  return shape;
}

absl::Status RowStepper::Step(const std::vector<Row*>& rows) const {
  std::map<Shape, std::vector<Row*>> alike;
  for (Row* row : rows) alike[ShapeOf(*row)].push_back(row);
  for (const auto& [shape, group] : alike) {
    for (size_t done = 0; done < group.size();) {
      const auto first = group.begin() + static_cast<std::ptrdiff_t>(done);
      const size_t count = std::min(group.size() - done, MostTogether(shape));
      SHEAF_RETURN_IF_ERROR(StepAlike(
          shape, {first, first + static_cast<std::ptrdiff_t>(count)}));
      done += count;
    }
  }
  return absl::OkStatus();
}

absl::Status RowStepper::StepAlike(const Shape& shape,
                                   const std::vector<Row*>& rows) const {
  std::vector<size_t> before;
  for (const Row* row : rows) before.push_back(row->steps_done());
  const absl::Status status = Guard("a step", [&] { Call(rows); });
  if (status.ok()) NoteWent(rows.size());
  if (!absl::IsResourceExhausted(status)) return status;
  prompts_.Clear();
  NoteRanOut(shape, rows.size());
  std::vector<Row*> left;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i]->steps_done() == before[i]) left.push_back(rows[i]);
  }
  if (left.empty() || rows.size() == 1) return status;
  const auto half =
      left.begin() + static_cast<std::ptrdiff_t>((left.size() + 1) / 2);
  SHEAF_RETURN_IF_ERROR(StepAlike(shape, {left.begin(), half}));
  return half == left.end() ? absl::OkStatus()
                            : StepAlike(shape, {half, left.end()});
}

size_t RowStepper::MostTogether(const Shape& shape) const {
  const std::lock_guard lock(mutex_);
  const auto found = most_together_.find(shape);
  return found == most_together_.end() ? SIZE_MAX : found->second;
}

void RowStepper::NoteWent(size_t rows) const {
  const std::lock_guard lock(mutex_);
  together_.most = std::max(together_.most, rows);
}

void RowStepper::NoteRanOut(const Shape& shape, size_t rows) const {
  const std::lock_guard lock(mutex_);
  const size_t before = together_.ran_out;
  together_.ran_out = before == 0 ? rows : std::min(before, rows);
  // At least one row: a single row that does not fit is an error for the
  // caller, and is tried again in later steps.
  most_together_[shape] = std::max<size_t>((rows + 1) / 2, 1);
}

RowStepper::Together RowStepper::together() const {
  const std::lock_guard lock(mutex_);
  return together_;
}

void RowStepper::ForgetLimits() const {
  const std::lock_guard lock(mutex_);
  most_together_.clear();
  together_ = Together();
}

void RowStepper::Call(const std::vector<Row*>& rows) const {
  const at::Device device = unet_->placement().device;
  const std::vector<Line> lines = LinesOf(rows);
  const Inputs inputs = Gather(lines, true, device);
  auto prompts = prompts_.Take(unet_, ContextsOf(lines), device);
  UNetInput input = {.sample = inputs.sample,
                     .time = inputs.time,
                     .context = prompts->tokens,
                     .keys = &prompts->keys};
  for (const auto& [net, own] : LiveControls(lines)) {
    input.controls.push_back(CallControl(net, own, device, &prompts_));
  }
  const at::Tensor outputs = (*unet_)(input);
  prompts_.Keep(std::move(prompts));
  int64_t place = 0;
  for (Row* row : rows) {
    const auto count = static_cast<int64_t>(row->start().branches.size());
    row->Advance(outputs.narrow(0, place, count));
    place += count;
  }
}

}  // namespace sheaf::engine
