// Linear forms over a step's registers: emitters write their formulas with
// these, and the coefficients fall out.
//
//   StepBuilder step(t, scale);
//   Form x0 = step.Predict(...);
//   step.Set(Register::kSample, ratio * step.Get(Register::kSample) + c * x0);
//
// Internal to the compiler.
#pragma once

#include "inference/engine/schedule/program.h"

namespace sheaf::engine {

class Form {
 public:
  Form() : terms_{} {}
  explicit Form(Register reg) : terms_{} {
    terms_[static_cast<size_t>(reg)] = 1;
  }

  const Coefficients& terms() const { return terms_; }
  double of(Register reg) const { return terms_[static_cast<size_t>(reg)]; }

  friend Form operator+(const Form& a, const Form& b) {
    Form sum;
    for (int i = 0; i < kRegisterCount; ++i) {
      sum.terms_[i] = a.terms_[i] + b.terms_[i];
    }
    return sum;
  }
  friend Form operator*(double factor, const Form& a) {
    Form product;
    for (int i = 0; i < kRegisterCount; ++i) {
      // A factor may be infinite where the term is absent.
      if (a.terms_[i] != 0) product.terms_[i] = factor * a.terms_[i];
    }
    return product;
  }
  friend Form operator-(const Form& a, const Form& b) { return a + -1.0 * b; }
  friend bool operator==(const Form&, const Form&) = default;

 private:
  Coefficients terms_;
};

// Collects one step. Get() returns the form that Set() stored. Forms are over
// the registers as they were before the step.
class StepBuilder {
 public:
  StepBuilder(double timestep, double input_scale);

  const Form& Get(Register reg) const {
    return values_[static_cast<size_t>(reg)];
  }
  void Set(Register reg, const Form& value) {
    values_[static_cast<size_t>(reg)] = value;
  }

  // Declares the predicted clean sample, a form of sample and output. Returns
  // the form to compute with: the same one or, where `post` changes it, the
  // register that will hold the result.
  Form Predict(const Form& clean, const PostOp& post);
  // The same, but always returns the register: for methods that divide the
  // clean sample's difference from the sample by a small level and multiply it
  // by a large one. There the reference's result depends on the rounding of the
  // clean sample.
  Form PredictRounded(const Form& clean, const PostOp& post);

  // Fresh noise. The step draws noise once this was called.
  Form Noise();

  // Puts a value before the newest in the history, which keeps `depth` values.
  void Push(const Form& value, int depth);
  const Form& History(int age) const;

  Step Finish() const;

 private:
  Step step_;
  std::array<Form, kRegisterCount> values_;
};

}  // namespace sheaf::engine
