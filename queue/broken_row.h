// Thrown where what is stored contradicts itself: a text column does not hold
// what we write there, counts would fall below nothing, a run waits in a queue
// that is not there. Ends one closure with STORE_CORRUPT, and nothing else:
// only stores catch it.
#pragma once

#include <stdexcept>

namespace sheaf {

class BrokenRow : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sheaf
