// A row: one run in the making. Between two steps it is a few vectors, a step
// number and a generator; nothing of it depends on the rows it steps with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "inference/engine/models/controlnet.h"
#include "inference/engine/random/normals.h"
#include "inference/engine/schedule/program.h"

namespace sheaf::engine {

// One of the UNet's answers that a row's guidance is made of. The row's output
// is the sum of them, each times its weight.
struct Branch {
  at::Tensor context;   // [tokens, width]
  at::Tensor pooled;    // SDXL: [width], and
  at::Tensor time_ids;  // [5 or 6].
  at::Tensor extra;     // Channels after the sample's; undefined for none.
  double weight = 1.0;
  // Of the prompt itself: what rescaling measures, and what controls that
  // guess are for.
  bool is_prompt = true;
};

// A ControlNet that a row uses.
struct RowControl {
  std::shared_ptr<const ControlNet> net;
  at::Tensor hint;  // What ControlNet::Hint returned, without rows.
  double weight = 1.0;
  double start = 0.0;
  double end = 1.0;
  bool guess_mode = false;
};

// What an inpainted row keeps where the mask is 0.
struct Keep {
  at::Tensor mask;   // [1, height, width]
  at::Tensor clean;  // [channels, height, width]
  at::Tensor noise;
};

// What a row begins with.
struct RowStart {
  std::shared_ptr<const Program> program;
  at::Tensor sample;  // [channels, height, width], fp32: noisy, at step 0.
  Normals noise{RandomMode::kCpu, 0};
  std::vector<Branch> branches;
  double guidance = 1.0;  // For models distilled for one.
  double guidance_rescale = 0.0;
  std::vector<RowControl> controls;
  std::optional<Keep> keep;
};

// Copyable: a copy goes on by itself. One thread at a time.
class Row {
 public:
  explicit Row(RowStart start);

  bool done() const { return next_ == start_->program->steps.size(); }
  size_t steps_done() const { return next_; }
  size_t steps() const { return start_->program->steps.size(); }
  // The step to make. Not when done().
  const Step& step() const { return start_->program->steps[next_]; }
  const RowStart& start() const { return *start_; }

  // [channels, height, width]
  at::Tensor sample() const;
  // What the model sees of it at this step, without extra channels.
  at::Tensor Input() const;
  // The clean sample that the last Advance() predicted: a preview.
  at::Tensor prediction() const;
  // How strong a control is at this step: 0 outside its part of the way.
  double WeightOf(const RowControl& control) const;

  // What the row has come to, for another process: a row that begins with the
  // same request there and restores this goes on as this one would, to the last
  // bit.
  std::string Save() const;
  // INVALID_ARGUMENT for bytes that Save() of such a row did not write; the row
  // is as before then.
  absl::Status Restore(std::string_view saved);

  // Takes the model's answers, [branches, channels, height, width], and moves
  // to the next step. Where it throws, the row is as before.
  void Advance(const at::Tensor& outputs);

 private:
  at::Tensor Guided(const at::Tensor& outputs) const;

  std::shared_ptr<const RowStart> start_;
  size_t next_ = 0;
  // [kRegisterCount, channels, height, width]. Replaced, never written to.
  at::Tensor registers_;
  Normals noise_;
};

}  // namespace sheaf::engine
