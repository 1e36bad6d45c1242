#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "inference/engine/tensor/layers.h"

namespace sheaf::engine {
namespace {

// [rows, length, channels]; the numbers do not repeat soon.
at::Tensor Numbers(int64_t rows, int64_t length, int64_t channels,
                   double pace) {
  return at::sin(at::arange(rows * length * channels, at::kFloat) * pace)
      .reshape({rows, length, channels});
}

// Attention by its definition, one head after the other.
at::Tensor Plain(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                 int64_t heads, bool causal) {
  const int64_t width = q.size(2) / heads;
  std::vector<at::Tensor> parts;
  for (int64_t head = 0; head < heads; ++head) {
    const auto of_head = [&](const at::Tensor& x) {
      return x.narrow(2, head * width, width).to(at::kDouble);
    };
    at::Tensor products =
        of_head(q).matmul(of_head(k).transpose(1, 2)) / std::sqrt(width);
    for (int64_t i = 0; causal && i < q.size(1); ++i) {
      for (int64_t j = i + 1; j < k.size(1); ++j) {
        products.select(1, i).select(1, j).fill_(
            -std::numeric_limits<double>::infinity());
      }
    }
    const at::Tensor weights = at::exp(products);
    parts.push_back((weights / weights.sum(-1, true)).matmul(of_head(v)));
  }
  return at::cat(parts, 2);
}

void ExpectRight(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                 int64_t heads, bool causal) {
  const at::Tensor out = Attention(q, k, v, heads, causal);
  const at::Tensor expected = Plain(q, k, v, heads, causal);
  ASSERT_EQ(out.sizes(), expected.sizes());
  EXPECT_LE((out - expected).abs().max().item<double>(), 2e-6);
}

TEST(AttentionTest, IsWhatItsDefinitionSays) {
  const c10::InferenceMode no_gradients;
  ExpectRight(Numbers(2, 5, 12, 0.7), Numbers(2, 7, 12, 0.3),
              Numbers(2, 7, 12, 1.1), 3, false);
  ExpectRight(Numbers(2, 9, 8, 0.7), Numbers(2, 9, 8, 0.3),
              Numbers(2, 9, 8, 1.1), 2, true);
}

TEST(AttentionTest, ManyQueriesAreTakenInPieces) {
  const c10::InferenceMode no_gradients;
  // 700 x 900 products do not fit into one piece, nor into a whole number of
  // pieces.
  ExpectRight(Numbers(1, 700, 8, 0.7), Numbers(1, 900, 8, 0.3),
              Numbers(1, 900, 8, 1.1), 2, false);
}

TEST(AttentionTest, RowsDoNotSeeEachOther) {
  const c10::InferenceMode no_gradients;
  const at::Tensor q = Numbers(3, 40, 16, 0.7);
  const at::Tensor k = Numbers(3, 60, 16, 0.3);
  const at::Tensor v = Numbers(3, 60, 16, 1.1);
  const at::Tensor together = Attention(q, k, v, 4);
  for (int64_t i = 0; i < 3; ++i) {
    const at::Tensor alone =
        Attention(q.narrow(0, i, 1), k.narrow(0, i, 1), v.narrow(0, i, 1), 4);
    EXPECT_LE((alone[0] - together[i]).abs().max().item<double>(), 1e-6);
  }
}

}  // namespace
}  // namespace sheaf::engine
