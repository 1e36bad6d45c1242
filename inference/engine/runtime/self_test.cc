#include "inference/engine/runtime/self_test.h"

#include "base/status.h"
#include "inference/engine/tensor/guard.h"

namespace sheaf::engine {
namespace {

constexpr int kSteps = 2;  // The second step works on the first one's result.

absl::Status StepTwice(const std::vector<Row*>& rows, const StepRows& step) {
  for (int i = 0; i < kSteps; ++i) SHEAF_RETURN_IF_ERROR(step(rows));
  return absl::OkStatus();
}

bool Same(const at::Tensor& a, const at::Tensor& b, double tolerance) {
  if (tolerance == 0) return a.equal(b);
  const double largest = b.abs().max().item<double>();
  return (a - b).abs().max().item<double>() <= tolerance * largest;
}

}  // namespace

absl::StatusOr<bool> RowsAgree(const std::vector<Row>& rows, double tolerance,
                               const StepRows& step) {
  std::vector<Row> together = rows;
  std::vector<Row*> all;
  for (Row& row : together) all.push_back(&row);
  SHEAF_RETURN_IF_ERROR(StepTwice(all, step));
  std::vector<Row> alone = rows;
  for (Row& row : alone) SHEAF_RETURN_IF_ERROR(StepTwice({&row}, step));
  bool agree = true;
  SHEAF_RETURN_IF_ERROR(Guard("comparing rows", [&] {
    for (size_t i = 0; i < rows.size(); ++i) {
      agree = agree && Same(together[i].sample(), alone[i].sample(), tolerance);
    }
  }));
  return agree;
}

}  // namespace sheaf::engine
