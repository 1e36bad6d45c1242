// Thrown where stored data contradicts itself: a text column does not hold what
// we write there, counts would fall below zero, a run waits in a queue that is
// not there; and where no number is left for a new row. It ends one closure
// with STORE_CORRUPT and has no other effect: only stores catch it.
#pragma once

#include <stdexcept>

namespace sheaf {

class BrokenRow : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sheaf
