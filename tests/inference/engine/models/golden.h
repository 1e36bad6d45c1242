// Reference inputs and outputs of tests/golden as torch tensors.
#pragma once

#include <map>
#include <string>

#include "inference/engine/tensor/module_scope.h"

namespace sheaf::engine {

// tests/golden/`path`.
std::string GoldenPath(const std::string& path);

struct GoldenModule {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> metadata;

  const at::Tensor& at(const std::string& name) const {
    return tensors.at(name);
  }
  bool has(const std::string& name) const { return tensors.count(name) != 0; }
};

// tests/golden/`path`.safetensors. Stops the test program where it cannot be
// read.
GoldenModule ReadGolden(const std::string& path);

// The largest difference of two tensors; infinity where their shapes differ or
// one holds a NaN.
double Difference(const at::Tensor& a, const at::Tensor& b);

}  // namespace sheaf::engine
