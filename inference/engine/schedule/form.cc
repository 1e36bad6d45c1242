#include "inference/engine/schedule/form.h"

#include "base/check.h"

namespace sheaf::engine {
namespace {

Register HistoryRegister(int age) {
  SHEAF_CHECK(age >= 0 && age < 4);
  return static_cast<Register>(static_cast<int>(Register::kHistory0) + age);
}

}  // namespace

StepBuilder::StepBuilder(double timestep, double input_scale) {
  step_.timestep = timestep;
  step_.input_scale = input_scale;
  for (int i = 0; i < kRegisterCount; ++i) {
    values_[i] = Form(static_cast<Register>(i));
  }
}

Form StepBuilder::Predict(const Form& clean, const PostOp& post) {
  const Form rounded = PredictRounded(clean, post);
  return post.kind == PostOp::Kind::kNone ? clean : rounded;
}

Form StepBuilder::PredictRounded(const Form& clean, const PostOp& post) {
  step_.predict_sample = clean.of(Register::kSample);
  step_.predict_output = clean.of(Register::kOutput);
  step_.post = post;
  return Form(Register::kPrediction);
}

Form StepBuilder::Noise() {
  step_.draws_noise = true;
  return Form(Register::kNoise);
}

void StepBuilder::Push(const Form& value, int depth) {
  for (int age = depth - 1; age > 0; --age) {
    Set(HistoryRegister(age), Get(HistoryRegister(age - 1)));
  }
  if (depth > 0) Set(HistoryRegister(0), value);
}

const Form& StepBuilder::History(int age) const {
  return Get(HistoryRegister(age));
}

Step StepBuilder::Finish() const {
  Step step = step_;
  for (int i = 0; i < kRegisterCount; ++i) {
    const auto reg = static_cast<Register>(i);
    if (values_[i] == Form(reg)) continue;
    step.updates.push_back({reg, values_[i].terms()});
  }
  return step;
}

}  // namespace sheaf::engine
