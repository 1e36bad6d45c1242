// The rows of figures that are learned from finished batches, by name. The
// queue does not look at the values.
#pragma once

#include <map>
#include <string>

namespace sheaf {

class LearnedReads {
 public:
  virtual ~LearnedReads() = default;

  virtual std::map<std::string, std::string> Learned() = 0;
};

class LearnedWrites {
 public:
  virtual ~LearnedWrites() = default;

  // An empty value forgets the name.
  virtual void Learn(const std::string& name, const std::string& value) = 0;
};

}  // namespace sheaf
