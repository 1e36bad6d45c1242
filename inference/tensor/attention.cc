#include <algorithm>
#include <cmath>
#include <limits>

#include "inference/tensor/layers.h"

namespace sheaf::engine {
namespace {

// [rows, length, channels] as [rows * heads, length, channels / heads].
at::Tensor SplitHeads(const at::Tensor& x, int64_t heads) {
  const int64_t rows = x.size(0);
  const int64_t length = x.size(1);
  return x.reshape({rows, length, heads, -1})
      .transpose(1, 2)
      .reshape({rows * heads, length, -1});
}

at::Tensor JoinHeads(const at::Tensor& x, int64_t heads) {
  const int64_t rows = x.size(0) / heads;
  const int64_t length = x.size(1);
  return x.reshape({rows, heads, length, -1})
      .transpose(1, 2)
      .reshape({rows, length, -1});
}

#if !SHEAF_TORCH_HAS_ATTENTION
// Products of queries and keys held at once: 64 MiB of floats. Small enough to
// stay near the caches, large enough for full matrix products.
constexpr int64_t kProductsMax = int64_t{16} << 20;
constexpr int64_t kQueriesMin = 16;

// -inf where key j comes after query `begin` + i.
at::Tensor CausalMask(int64_t begin, int64_t queries, int64_t keys,
                      const at::Tensor& like) {
  const at::Tensor query =
      at::arange(begin, begin + queries, like.options().dtype(at::kLong));
  const at::Tensor key = at::arange(keys, like.options().dtype(at::kLong));
  return at::zeros({queries, keys}, like.options())
      .masked_fill(key.unsqueeze(0).gt(query.unsqueeze(1)),
                   -std::numeric_limits<float>::infinity());
}

at::Tensor Attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  double scale, bool causal) {
  const int64_t groups = q.size(0);
  const int64_t queries = q.size(1);
  const int64_t keys = k.size(1);
  const int64_t chunk = std::clamp(kProductsMax / (groups * keys),
                                   std::min(kQueriesMin, queries), queries);
  const at::Tensor k_transposed = k.transpose(1, 2);
  const at::Tensor none = at::zeros({1}, q.options());
  std::vector<at::Tensor> parts;
  for (int64_t begin = 0; begin < queries; begin += chunk) {
    const int64_t count = std::min(chunk, queries - begin);
    const at::Tensor bias =
        causal ? CausalMask(begin, count, keys, q).unsqueeze(0) : none;
    const at::Tensor products = at::baddbmm(
        bias, q.narrow(1, begin, count), k_transposed, causal ? 1 : 0, scale);
    parts.push_back(at::bmm(at::softmax(products, -1), v));
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts, 1);
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
  return JoinHeads(Attend(SplitHeads(q, heads), SplitHeads(k, heads),
                          SplitHeads(v, heads), scale, causal),
                   heads);
#endif
}

}  // namespace sheaf::engine
