// Reference inputs and outputs of tests/golden as torch tensors.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "inference/tensor/module_scope.h"

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

// modules/`name`.safetensors. Stops the test program where it cannot be read.
GoldenModule ReadGolden(const std::string& path);

// Names in tests/golden/`folder` that contain `part`, in order,
// without ".safetensors".
std::vector<std::string> GoldenNames(const std::string& folder,
                                     const std::string& part);

// The largest difference of two tensors; infinity where their shapes differ or
// one holds a NaN.
double Difference(const at::Tensor& a, const at::Tensor& b);

// A name that GoogleTest takes: letters, digits and '_'.
std::string TestName(std::string name);

}  // namespace sheaf::engine
