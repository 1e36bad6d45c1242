// A picture that is not finished yet.
#pragma once

#include "inference/engine/image/image.h"

namespace sheaf::engine {

struct Preview {
  Image image;
  // How large to show it: as large as the picture will be, within kSideMax.
  int width = 0;
  int height = 0;

  static constexpr int kSideMax = 256;
};

}  // namespace sheaf::engine
