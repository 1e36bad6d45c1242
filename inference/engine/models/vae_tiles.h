// Large maps in overlapping tiles, blended where they meet.
#pragma once

#include <functional>

#include "inference/engine/tensor/torch.h"

namespace sheaf::engine {

// `size` and `stride` are in pixels of the input, `blend` and `keep` in pixels
// of the output.
struct TileShape {
  int64_t size = 0;    // Side of a tile.
  int64_t stride = 0;  // From one tile to the next.
  int64_t blend = 0;   // How far a tile reaches over its neighbours.
  int64_t keep = 0;    // How much of a tile's side is kept.
};

// `one` turns a tile into a map of another size. As the reference does it:
// each tile is blended with the finished one above it, then with the finished
// one at its left, and cut.
at::Tensor InTiles(const at::Tensor& map, const TileShape& shape,
                   const std::function<at::Tensor(const at::Tensor&)>& one);

}  // namespace sheaf::engine
