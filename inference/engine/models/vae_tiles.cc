#include "inference/engine/models/vae_tiles.h"

#include <algorithm>
#include <vector>

namespace sheaf::engine {
namespace {

// The first lines of `tile` along `dim` fade over from the last ones of
// `before`.
void Blend(const at::Tensor& before, int64_t extent, int64_t dim,
           at::Tensor* tile) {
  extent = std::min({before.size(dim), tile->size(dim), extent});
  if (extent <= 0) return;
  std::vector<int64_t> shape(4, 1);
  shape[static_cast<size_t>(dim)] = extent;
  const at::Tensor weights =
      (at::arange(extent, tile->options()) / static_cast<double>(extent))
          .reshape(shape);
  at::Tensor lines = tile->narrow(dim, 0, extent);
  const at::Tensor last = before.narrow(dim, before.size(dim) - extent, extent);
  lines.copy_(last * (1 - weights) + lines * weights);
}

at::Tensor Cut(const at::Tensor& tile, int64_t keep) {
  return tile.narrow(2, 0, std::min(keep, tile.size(2)))
      .narrow(3, 0, std::min(keep, tile.size(3)));
}

}  // namespace

at::Tensor InTiles(const at::Tensor& map, const TileShape& shape,
                   const std::function<at::Tensor(const at::Tensor&)>& one) {
  const int64_t height = map.size(2);
  const int64_t width = map.size(3);
  std::vector<at::Tensor> above;
  std::vector<at::Tensor> bands;
  for (int64_t y = 0; y < height; y += shape.stride) {
    std::vector<at::Tensor> row;
    std::vector<at::Tensor> kept;
    for (int64_t x = 0; x < width; x += shape.stride) {
      at::Tensor tile = one(map.narrow(2, y, std::min(shape.size, height - y))
                                .narrow(3, x, std::min(shape.size, width - x)));
      if (!above.empty()) Blend(above[row.size()], shape.blend, 2, &tile);
      if (!row.empty()) Blend(row.back(), shape.blend, 3, &tile);
      row.push_back(tile);
      kept.push_back(Cut(tile, shape.keep));
    }
    bands.push_back(at::cat(kept, 3));
    above = std::move(row);
  }
  return at::cat(bands, 2);
}

}  // namespace sheaf::engine
