// On a CPU, a row's numbers do not depend on the rows beside it, not even in
// the last bit: a picture must not depend on its batch.
#include "inference/engine/tensor/layers.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "inference/engine/tensor/group_norm.h"

namespace sheaf::engine {
namespace {

constexpr int64_t kRowCounts[] = {2, 3, 8, 11, 16};

// Numbers that do not repeat soon, spread about like normal ones.
at::Tensor Numbers(at::IntArrayRef shape, double pace) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  const at::Tensor places = at::arange(count, at::kDouble);
  return (at::sin(places * pace) + at::sin(places * pace * 1.618 + 0.5))
      .to(at::kFloat)
      .reshape(shape);
}

at::Tensor Map(int64_t rows, int64_t channels, int64_t side) {
  return Numbers({rows, channels, side, side}, 0.37)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

// A layer's weights, and the layer over them.
class Weights {
 public:
  void Add(const std::string& name, at::IntArrayRef shape) {
    const double pace = 0.71 + 0.01 * static_cast<double>(tensors_.size());
    tensors_[name] = FromTorch(Numbers(shape, pace) * 0.1);
  }
  template <typename Layer, typename... Args>
  Layer Make(Args... args) {
    WeightBinder binder(tensors_, "test");
    AdapterSlots slots;
    return Layer(ModuleScope(WeightScope(&binder), Placement(), &slots),
                 args...);
  }

 private:
  TensorMap tensors_;
};

using Call = std::function<at::Tensor(const at::Tensor&)>;

// Compares each row of `call` on the first n rows of `all` with that row alone.
void ExpectAlone(const std::string& what, const at::Tensor& all,
                 const Call& call) {
  const c10::InferenceMode no_gradients;
  const int threads = at::get_num_threads();
  for (const int count : {1, 2}) {
    at::set_num_threads(count);
    std::vector<at::Tensor> alone;
    for (int64_t row = 0; row < all.size(0); ++row) {
      alone.push_back(call(all.narrow(0, row, 1).clone()));
    }
    for (const int64_t rows : kRowCounts) {
      const at::Tensor together = call(all.narrow(0, 0, rows).clone());
      for (int64_t row = 0; row < rows; ++row) {
        EXPECT_TRUE(
            together.narrow(0, row, 1).equal(alone[static_cast<size_t>(row)]))
            << what << ": row " << row << " of " << rows << ", " << count
            << " threads";
      }
    }
  }
  at::set_num_threads(threads);
}

TEST(LayersTest, AConvolutionsRowsAreWhatTheyAreAlone) {
  for (const ConvShape& shape :
       {ConvShape{.in = 4, .out = 32}, ConvShape{.in = 32, .out = 4},
        ConvShape{.in = 48, .out = 96, .stride = 2},
        ConvShape{.in = 64, .out = 64},
        ConvShape{.in = 96, .out = 48, .kernel = 1, .padding = 0}}) {
    Weights weights;
    weights.Add("weight", {shape.out, shape.in, shape.kernel, shape.kernel});
    weights.Add("bias", {shape.out});
    const auto layer = weights.Make<Conv2d>(shape);
    for (const int64_t side : {2, 7, 8, 16, 32}) {
      ExpectAlone("conv " + std::to_string(shape.in) + " to " +
                      std::to_string(shape.out) + " at " + std::to_string(side),
                  Map(16, shape.in, side), layer);
    }
  }
}

TEST(LayersTest, AProductsRowsAreWhatTheyAreAlone) {
  for (const auto& [in, out] : std::vector<std::pair<int64_t, int64_t>>(
           {{32, 128}, {96, 96}, {128, 1024}, {320, 640}, {768, 64}})) {
    Weights weights;
    weights.Add("weight", {out, in});
    weights.Add("bias", {out});
    const auto layer = weights.Make<Linear>(in, out, true);
    const std::string name = std::to_string(in) + " to " + std::to_string(out);
    ExpectAlone("rows " + name, Numbers({16, in}, 0.41), layer);
    for (const int64_t tokens : {1, 4, 16, 48, 64, 77, 112, 256}) {
      ExpectAlone("tokens " + name + ", " + std::to_string(tokens),
                  Numbers({16, tokens, in}, 0.41), layer);
    }
  }
}

TEST(LayersTest, NormalisedRowsAreWhatTheyAreAlone) {
  Weights weights;
  weights.Add("weight", {64});
  weights.Add("bias", {64});
  const auto groups = weights.Make<GroupNorm>(int64_t{16}, int64_t{64}, 1e-5);
  const auto layer = weights.Make<LayerNorm>(int64_t{64}, 1e-5);
  for (const int64_t side : {1, 4, 9, 32, 64}) {
    ExpectAlone("group norm at " + std::to_string(side), Map(16, 64, side),
                groups);
  }
  ExpectAlone("layer norm", Numbers({16, 77, 64}, 0.2), layer);
}

TEST(LayersTest, AttentionsRowsAreWhatTheyAreAlone) {
  for (const int64_t heads : {1, 8}) {
    for (const int64_t tokens : {4, 64, 256}) {
      ExpectAlone("attention of " + std::to_string(tokens),
                  Numbers({16, tokens, 64}, 0.2), [&](const at::Tensor& x) {
                    return Attention(x, x, x, heads);
                  });
    }
  }
}

// Group norm by its definition, in double.
at::Tensor PlainGroupNorm(const at::Tensor& x, int64_t groups,
                          const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor parts =
      x.to(at::kDouble).contiguous().reshape({x.size(0), groups, -1});
  const at::Tensor mean = parts.mean(2, true);
  const at::Tensor spread = (parts - mean).pow(2).mean(2, true);
  const at::Tensor normal =
      ((parts - mean) / (spread + 1e-5).sqrt()).reshape(x.sizes());
  return normal * weight.reshape({1, -1, 1, 1}) + bias.reshape({1, -1, 1, 1});
}

TEST(GroupNormTest, IsWhatItsDefinitionSays) {
  const c10::InferenceMode no_gradients;
  for (const int64_t side : {1, 5, 8, 40}) {
    for (const double offset : {0.0, 30.0}) {
      const at::Tensor x = Map(3, 48, side) + offset;
      const at::Tensor weight = Numbers({48}, 0.3);
      const at::Tensor bias = Numbers({48}, 0.9);
      const at::Tensor out = NormalizeGroups(x, 12, weight, bias, 1e-5);
      const double error = (out - PlainGroupNorm(x, 12, weight, bias))
                               .abs()
                               .max()
                               .item<double>();
      EXPECT_LE(error, offset == 0 ? 2e-6 : 2e-5) << side << " " << offset;
    }
  }
}

}  // namespace
}  // namespace sheaf::engine
