// Signs of life. Loading a model and a step of many rows may take minutes, and
// a call that never returns looks the same from outside. So every weight that
// is placed and every layer that is computed beats.
#pragma once

#include <cstdint>

namespace sheaf::engine {

void Beat();
// How often Beat() was called in this process. Any thread.
int64_t Beats();

}  // namespace sheaf::engine
