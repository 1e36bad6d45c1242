// UniPC: each call first corrects the sample it was given, by the model's
// answer to it, and then predicts the next.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/schedule/emit.h"

namespace sheaf::engine {
namespace {

// Solves the square system by elimination with pivots; at most 3 by 3.
std::vector<double> Solve(std::vector<std::vector<double>> matrix,
                          std::vector<double> right) {
  const size_t n = right.size();
  for (size_t col = 0; col < n; ++col) {
    size_t pivot = col;
    for (size_t row = col + 1; row < n; ++row) {
      if (std::fabs(matrix[row][col]) > std::fabs(matrix[pivot][col])) {
        pivot = row;
      }
    }
    std::swap(matrix[col], matrix[pivot]);
    std::swap(right[col], right[pivot]);
    for (size_t row = 0; row < n; ++row) {
      if (row == col) continue;
      const double factor = matrix[row][col] / matrix[col][col];
      for (size_t k = col; k < n; ++k) {
        matrix[row][k] -= factor * matrix[col][k];
      }
      right[row] -= factor * right[col];
    }
  }
  for (size_t i = 0; i < n; ++i) right[i] /= matrix[i][i];
  return right;
}

// The parts of an update over h, which predictor and corrector share.
struct Update {
  double h_phi_1 = 0;
  double b_h = 0;
  std::vector<std::vector<double>> powers;  // Powers of the rks, by row.
  std::vector<double> right;
};

// `rks`: where the known points lie, relative to the step; the last is 1.
Update MakeUpdate(const SchedulerConfig& config, double h,
                  const std::vector<double>& rks) {
  const double hh = config.predict_x0 ? -h : h;
  Update update;
  update.h_phi_1 = std::expm1(hh);
  update.b_h = config.bh1 ? hh : update.h_phi_1;
  double phi = update.h_phi_1 / hh - 1;
  double factorial = 1;
  for (size_t i = 1; i <= rks.size(); ++i) {
    std::vector<double> row;
    for (const double rk : rks) {
      row.push_back(std::pow(rk, static_cast<double>(i - 1)));
    }
    update.powers.push_back(row);
    update.right.push_back(phi * factorial / update.b_h);
    factorial *= static_cast<double>(i + 1);
    phi = phi / hh - 1 / factorial;
  }
  return update;
}

class UniPcEmitter {
 public:
  UniPcEmitter(const SchedulerConfig& config, const CompileOptions& options,
               Grid grid)
      : config_(config), begin_(options.begin), grid_(std::move(grid)) {
    for (const double sigma : grid_.sigmas) levels_.push_back(LevelOf(sigma));
  }

  Program Emit() {
    FillFromGrid(grid_, false, begin_, &program_);
    const int steps = static_cast<int>(grid_.timesteps.size());
    int order_before = 0;
    for (int i = begin_; i < steps; ++i) {
      StepBuilder step(grid_.timesteps[i], 1);
      const Form value = Read(i, &step);
      if (i > begin_ && Corrects(i)) {
        step.Set(Register::kSample, Correct(i, order_before, value, step));
      }
      step.Push(value, config_.solver_order);
      int order = config_.solver_order;
      if (config_.lower_order_final) order = std::min(order, steps - i);
      order = std::min(order, i - begin_ + 1);
      step.Set(Register::kSaved, step.Get(Register::kSample));
      step.Set(Register::kSample, Predict(i, order, step));
      program_.steps.push_back(step.Finish());
      order_before = order;
    }
    return std::move(program_);
  }

 private:
  bool Corrects(int i) const {
    const auto& disabled = config_.disable_corrector;
    return std::find(disabled.begin(), disabled.end(), i - 1) == disabled.end();
  }

  Form Read(int i, StepBuilder* step) const {
    const Level& at = levels_[i];
    // Where it works on the noise, this class does not threshold.
    const PostOp post = config_.predict_x0 ? PostOf(config_, false) : PostOp();
    const Form clean = step->Predict(
        CleanSample(config_.prediction, at.alpha, at.sigma), post);
    return config_.predict_x0
               ? clean
               : NoiseSample(config_.prediction, at.alpha, at.sigma);
  }

  // The first-order update from level s to level t, from `sample` and the value
  // at s.
  Form Base(const Level& s, const Level& t, double h_phi_1, const Form& sample,
            const Form& value) const {
    return config_.predict_x0
               ? (t.sigma / s.sigma) * sample - (t.alpha * h_phi_1) * value
               : (t.alpha / s.alpha) * sample - (t.sigma * h_phi_1) * value;
  }

  // The positions of `order` - 1 points before level s, and 1.
  std::vector<double> Positions(int s, int order, double h) const {
    std::vector<double> rks;
    for (int k = 1; k < order; ++k) {
      rks.push_back((levels_[s - k].lambda - levels_[s].lambda) / h);
    }
    rks.push_back(1);
    return rks;
  }

  Form Predict(int i, int order, const StepBuilder& step) const {
    const Level& s = levels_[i];
    const Level& t = levels_[i + 1];
    const double h = t.lambda - s.lambda;
    const Form& m0 = step.History(0);
    if (order == 1) {
      const double h_phi_1 = std::expm1(config_.predict_x0 ? -h : h);
      // With bh1 the reference multiplies 0 by an infinite h at the end.
      const double nothing = config_.bh1 ? 0 * h : 0;
      return Base(s, t, h_phi_1 + nothing, step.Get(Register::kSample), m0);
    }
    const std::vector<double> rks = Positions(i, order, h);
    const Update update = MakeUpdate(config_, h, rks);
    std::vector<double> rhos = {0.5};
    if (order > 2) {
      std::vector<std::vector<double>> matrix(update.powers.begin(),
                                              update.powers.end() - 1);
      for (std::vector<double>& row : matrix) row.pop_back();
      rhos = Solve(matrix, {update.right.begin(), update.right.end() - 1});
    }
    Form rest;
    for (int k = 1; k < order; ++k) {
      rest = rest + (rhos[k - 1] / rks[k - 1]) * (step.History(k) - m0);
    }
    const double scale = config_.predict_x0 ? t.alpha : t.sigma;
    return Base(s, t, update.h_phi_1, step.Get(Register::kSample), m0) -
           (scale * update.b_h) * rest;
  }

  // Makes the step that led here again, from kSaved, now with the value found
  // here.
  Form Correct(int i, int order, const Form& value,
               const StepBuilder& step) const {
    const Level& s = levels_[i - 1];
    const Level& t = levels_[i];
    const double h = t.lambda - s.lambda;
    const std::vector<double> rks = Positions(i - 1, order, h);
    const Update update = MakeUpdate(config_, h, rks);
    std::vector<double> rhos = {0.5};
    if (order > 1) rhos = Solve(update.powers, update.right);
    const Form& m0 = step.History(0);
    Form rest = rhos[order - 1] * (value - m0);
    for (int k = 1; k < order; ++k) {
      rest = rest + (rhos[k - 1] / rks[k - 1]) * (step.History(k) - m0);
    }
    const double scale = config_.predict_x0 ? t.alpha : t.sigma;
    return Base(s, t, update.h_phi_1, step.Get(Register::kSaved), m0) -
           (scale * update.b_h) * rest;
  }

  const SchedulerConfig& config_;
  const int begin_;
  const Grid grid_;
  std::vector<Level> levels_;
  Program program_;
};

}  // namespace

absl::StatusOr<Program> EmitUniPc(const SchedulerConfig& config,
                                  const CompileOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const TrainLevels levels,
                         MakeTrainLevels(config, true));
  return UniPcEmitter(config, options,
                      MakeMultistepGrid(config, levels, options))
      .Emit();
}

}  // namespace sheaf::engine
