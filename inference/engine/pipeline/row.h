// A row: one run in the making. Between two steps it is a few vectors, a step
// number and a generator; none of these depends on the rows it steps with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "inference/engine/pipeline/control_model.h"
#include "inference/engine/random/normals.h"
#include "inference/engine/schedule/program.h"

namespace sheaf::engine {

// An encoded prompt, with whatever else a family's denoiser wants to hear of a
// request. Only the family knows what it holds.
class Conditioning {
 public:
  virtual ~Conditioning() = default;
};

// The inputs for one of the answers that a row's guidance combines. The row's
// output is the sum of these answers, each times its branch's weight.
struct Branch {
  std::shared_ptr<const Conditioning> conditioning;
  at::Tensor extra;  // Channels after the sample's; undefined for none.
  double weight = 1.0;
  // Whether this branch is for the prompt itself. Rescaling measures that
  // branch, and controls in guess mode work for that branch alone.
  bool is_prompt = true;
};

// A model that steers a row.
struct RowControl {
  std::shared_ptr<const ControlModel> net;
  at::Tensor hint;  // A result of ControlModel::Hint, without rows.
  double weight = 1.0;
  double start = 0.0;
  double end = 1.0;
  bool guess_mode = false;
};

// The picture that an inpainted row keeps where the mask is 0.
struct Keep {
  at::Tensor mask;   // [1, height, width]
  at::Tensor clean;  // [channels, height, width]
  at::Tensor noise;
};

// The values that a row begins with.
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
  // The next step. Must not be called when done().
  const Step& step() const { return start_->program->steps[next_]; }
  const RowStart& start() const { return *start_; }

  // [channels, height, width]
  at::Tensor sample() const;
  // The model's input at this step, without extra channels.
  at::Tensor Input() const;
  // The clean sample that the last Advance() predicted: a preview.
  at::Tensor prediction() const;
  // A control's weight at this step: 0 outside its part of the run.
  double WeightOf(const RowControl& control) const;

  // The row's progress, for another process: a row that begins there with the
  // same request and restores this goes on as this row would, to the last bit.
  std::string Save() const;
  // INVALID_ARGUMENT for bytes that Save() of such a row did not write; then
  // the row stays as it was.
  absl::Status Restore(std::string_view saved);

  // Takes the denoiser's answers, one for each branch in the sample's shape,
  // and moves to the next step. If it throws, the row stays as it was.
  void Advance(const std::vector<at::Tensor>& answers);

 private:
  at::Tensor Guided(const std::vector<at::Tensor>& answers) const;

  std::shared_ptr<const RowStart> start_;
  size_t next_ = 0;
  // [kRegisterCount, channels, height, width]. Replaced, never written to.
  at::Tensor registers_;
  Normals noise_;
};

}  // namespace sheaf::engine
