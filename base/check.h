// SHEAF_CHECK(condition): a broken invariant of ours stops the process with a
// clear line, also in release builds.
#pragma once

#include <cstdio>
#include <cstdlib>

#define SHEAF_CHECK(condition)                                        \
  do {                                                                \
    if (!(condition)) {                                               \
      std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, \
                   __LINE__, #condition);                             \
      std::abort();                                                   \
    }                                                                 \
  } while (false)
