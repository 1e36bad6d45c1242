#include "inference/engine/tensor/group_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "inference/engine/tensor/wide_loops.h"

namespace sheaf::engine {
namespace {

// How many pixels are summed up together in fp32; larger sums are in double.
// The number is fixed, so that sums are the same every time, and small enough
// for a cache.
constexpr int64_t kPixelsTogether = 64;

// The count of some values, their mean, and the sum of squares about it.
struct Moments {
  double count = 0;
  double mean = 0;
  double squares = 0;

  // Adds the moments of other values.
  void Add(const Moments& other) {
    const double sum = count + other.count;
    const double away = other.mean - mean;
    squares += other.squares + away * away * count * other.count / sum;
    mean += away * other.count / sum;
    count = sum;
  }
};

struct Shape {
  int64_t rows = 0;
  int64_t pixels = 0;
  int64_t channels = 0;
  int64_t groups = 0;
  int64_t channels_of_group() const { return channels / groups; }
  int64_t chunks() const {
    return (pixels + kPixelsTogether - 1) / kPixelsTogether;
  }
};

double SumOf(const float* values, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += values[i];
  return sum;
}

// The moments of each group in one chunk of pixels. `scratch` holds two floats
// for each channel.
void Measure(const float* x, int64_t pixels, const Shape& shape, float* scratch,
             Moments* moments) {
  float* const sums = scratch;
  float* const middle = scratch + shape.channels;
  const int64_t width = shape.channels_of_group();
  SumChannels(x, pixels, shape.channels, sums);
  for (int64_t group = 0; group < shape.groups; ++group) {
    Moments& own = moments[group];
    own.count = static_cast<double>(pixels * width);
    own.mean = SumOf(sums + group * width, width) / own.count;
    std::fill_n(middle + group * width, width, static_cast<float>(own.mean));
  }
  SumSquares(x, pixels, shape.channels, middle, sums);
  for (int64_t group = 0; group < shape.groups; ++group) {
    moments[group].squares = SumOf(sums + group * width, width);
  }
}

// Computes three floats for each channel: the one to subtract from a row's
// values, the one to multiply the result by, and the one to add then. The mean
// is subtracted first, since a large mean would leave a product few digits.
void Factors(const Moments* chunks, const Shape& shape, const float* weight,
             const float* bias, double epsilon, float* factors) {
  float* const middle = factors;
  float* const scale = middle + shape.channels;
  float* const shift = scale + shape.channels;
  const int64_t width = shape.channels_of_group();
  for (int64_t group = 0; group < shape.groups; ++group) {
    Moments all = chunks[group];
    for (int64_t chunk = 1; chunk < shape.chunks(); ++chunk) {
      all.Add(chunks[chunk * shape.groups + group]);
    }
    const double inverse = 1 / std::sqrt(all.squares / all.count + epsilon);
    for (int64_t i = 0; i < width; ++i) {
      const int64_t c = group * width + i;
      const double factor = inverse * (weight == nullptr ? 1.0f : weight[c]);
      middle[c] = static_cast<float>(all.mean);
      scale[c] = static_cast<float>(factor);
      shift[c] = static_cast<float>((bias == nullptr ? 0.0f : bias[c]) +
                                    (middle[c] - all.mean) * factor);
    }
  }
}

const float* DataOf(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}

// Calls work(row, chunk, first pixel, pixels) for every chunk of every row.
template <typename Work>
void ForEachChunk(const Shape& shape, const Work& work) {
  at::parallel_for(0, shape.rows * shape.chunks(), 1,
                   [&](int64_t first, int64_t last) {
                     for (int64_t i = first; i < last; ++i) {
                       const int64_t chunk = i % shape.chunks();
                       const int64_t begin = chunk * kPixelsTogether;
                       work(i / shape.chunks(), chunk, begin,
                            std::min(kPixelsTogether, shape.pixels - begin));
                     }
                   });
}

}  // namespace

at::Tensor NormalizeGroups(const at::Tensor& x, int64_t groups,
                           const at::Tensor& weight, const at::Tensor& bias,
                           double epsilon) {
  const at::Tensor input = x.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor output =
      at::empty(input.sizes(), input.options(), at::MemoryFormat::ChannelsLast);
  const Shape shape = {.rows = input.size(0),
                       .pixels = input.size(2) * input.size(3),
                       .channels = input.size(1),
                       .groups = groups};
  const float* const from = input.data_ptr<float>();
  float* const to = output.data_ptr<float>();
  const auto place = [&](int64_t row, int64_t pixel) {
    return (row * shape.pixels + pixel) * shape.channels;
  };
  std::vector<Moments> moments(
      static_cast<size_t>(shape.rows * shape.chunks() * groups));
  ForEachChunk(shape, [&](int64_t row, int64_t chunk, int64_t begin,
                          int64_t pixels) {
    thread_local std::vector<float> scratch;
    scratch.resize(static_cast<size_t>(2 * shape.channels));
    Measure(
        from + place(row, begin), pixels, shape, scratch.data(),
        &moments[static_cast<size_t>((row * shape.chunks() + chunk) * groups)]);
  });
  std::vector<float> factors(
      static_cast<size_t>(3 * shape.rows * shape.channels));
  const auto factors_of = [&](int64_t row) {
    return &factors[static_cast<size_t>(3 * row * shape.channels)];
  };
  for (int64_t row = 0; row < shape.rows; ++row) {
    Factors(&moments[static_cast<size_t>(row * shape.chunks() * groups)], shape,
            DataOf(weight), DataOf(bias), epsilon, factors_of(row));
  }
  ForEachChunk(shape, [&](int64_t row, int64_t, int64_t begin, int64_t pixels) {
    const float* const middle = factors_of(row);
    const float* const scale = middle + shape.channels;
    ScaleAndShift(from + place(row, begin), pixels, shape.channels, middle,
                  scale, scale + shape.channels, to + place(row, begin));
  });
  return output;
}

}  // namespace sheaf::engine
