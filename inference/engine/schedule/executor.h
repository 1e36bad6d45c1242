// Runs compiled programs over plain vectors of floats: the reference for other
// executors, and enough for tests and tools. A row is one picture in the
// making.
#pragma once

#include <memory>
#include <vector>

#include "inference/engine/schedule/program.h"

namespace sheaf::engine {

// One row's state between calls. Copyable; one thread at a time.
class RowState {
 public:
  // `sample`: the row's noisy sample at the program's first step.
  RowState(std::shared_ptr<const Program> program, std::vector<float> sample);

  bool done() const { return next_ == program_->steps.size(); }
  // The next step. Must not be called when done().
  const Step& step() const { return program_->steps[next_]; }
  const std::vector<float>& sample() const { return reg(Register::kSample); }

  // The model's input at this step.
  std::vector<float> Input() const;

  // Takes the model's output for that input and moves to the next step. `noise`
  // is read only where step().draws_noise.
  void Advance(const std::vector<float>& output,
               const std::vector<float>& noise);

  // The clean sample that the last Advance() predicted.
  const std::vector<float>& prediction() const {
    return reg(Register::kPrediction);
  }

 private:
  const std::vector<float>& reg(Register which) const {
    return registers_[static_cast<size_t>(which)];
  }

  std::shared_ptr<const Program> program_;
  size_t next_ = 0;
  std::array<std::vector<float>, kRegisterCount> registers_;
};

// Applies `post` to the values, in place.
void ApplyPost(const PostOp& post, std::vector<float>* values);

// sample * clean + noise * drawn.
std::vector<float> MakeNoisy(const Renoise& renoise,
                             const std::vector<float>& clean,
                             const std::vector<float>& drawn);

}  // namespace sheaf::engine
