#include <algorithm>
#include <cmath>
#include <limits>

#include "inference/engine/tensor/layers.h"

namespace sheaf::engine {
namespace {

#if !SHEAF_TORCH_HAS_ATTENTION
// Products of queries and keys that a thread holds at once: 1 MiB of floats,
// which stays in its cache.
constexpr int64_t kProductsMax = int64_t{1} << 18;
constexpr int64_t kQueriesMin = 16;

// A piece of work: some queries of one head of one row.
struct Piece {
  int64_t row;
  int64_t head;
  int64_t begin;
  int64_t count;
};

std::vector<Piece> PiecesOf(int64_t rows, int64_t heads, int64_t queries,
                            int64_t keys) {
  const int64_t most =
      std::clamp(kProductsMax / keys, std::min(kQueriesMin, queries), queries);
  std::vector<Piece> pieces;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t head = 0; head < heads; ++head) {
      for (int64_t begin = 0; begin < queries; begin += most) {
        pieces.push_back({row, head, begin, std::min(most, queries - begin)});
      }
    }
  }
  return pieces;
}

// Writes -inf where key j comes after query `begin` + i.
void HideLaterKeys(int64_t begin, at::Tensor* products) {
  const auto options = products->options().dtype(at::kLong);
  const at::Tensor query =
      at::arange(begin, begin + products->size(0), options).unsqueeze(1);
  const at::Tensor key = at::arange(products->size(1), options).unsqueeze(0);
  products->masked_fill_(key.gt(query),
                         -std::numeric_limits<float>::infinity());
}

// Heads lie side by side in the last dimension of all four tensors, and are
// read and written there: no copy joins or splits them.
void Attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
            int64_t heads, bool causal, at::Tensor* out) {
  const int64_t width = q.size(2) / heads;
  const std::vector<Piece> pieces =
      PiecesOf(q.size(0), heads, q.size(1), k.size(1));
  const auto work = [&](int64_t first, int64_t last) {
    // Threads do not inherit inference mode.
    const c10::InferenceMode no_gradients;
    at::Tensor scratch;
    for (int64_t i = first; i < last; ++i) {
      const Piece& piece = pieces[static_cast<size_t>(i)];
      const auto of_head = [&](const at::Tensor& x) {
        return x.select(0, piece.row).narrow(1, piece.head * width, width);
      };
      const auto of_piece = [&](const at::Tensor& x) {
        return of_head(x).narrow(0, piece.begin, piece.count);
      };
      if (!scratch.defined()) {
        scratch = at::empty({piece.count, k.size(1)}, q.options());
      }
      at::Tensor products =
          scratch.size(0) == piece.count
              ? scratch
              : at::empty({piece.count, k.size(1)}, q.options());
      at::mm_out(products, of_piece(q), of_head(k).t());
      if (causal) HideLaterKeys(piece.begin, &products);
      at::_softmax_out(products, products, -1, false);
      at::Tensor target = of_piece(*out);
      at::mm_out(target, products, of_head(v));
    }
  };
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 1, work);
}
#endif

}  // namespace

at::Tensor Attention(const at::Tensor& q, const at::Tensor& k,
                     const at::Tensor& v, int64_t heads, bool causal) {
#if SHEAF_TORCH_HAS_ATTENTION
  const auto split = [heads](const at::Tensor& x) {
    return x.reshape({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
  };
  const at::Tensor out = at::scaled_dot_product_attention(
      split(q), split(k), split(v), {}, 0.0, causal);
  return out.transpose(1, 2).reshape({q.size(0), q.size(1), -1});
#else
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(2)) / heads);
  at::Tensor out = at::empty(q.sizes(), q.options());
  Attend(q * scale, k, v, heads, causal, &out);
  return out;
#endif
}

}  // namespace sheaf::engine
