// The reference cases of tests/golden/schedulers.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "inference/schedule/compile.h"
#include "inference/schedule/executor.h"
#include "inference/weights/config.h"
#include "inference/weights/tensor.h"

namespace sheaf::engine {

struct GoldenCase {
  std::string name;  // "017"
  std::string class_name;
  Config config;
  int steps = 0;
  int begin = 0;  // In calls.
  double eta = 0;
  std::vector<double> timesteps;  // From `begin` on.
  bool integer_timesteps = false;
  std::vector<double> sigmas;
  double init_scale = 1;
  int noises = 0;
  double max_abs = 0;

  SchedulerClass scheduler() const;
  CompileOptions options() const;
};
// What a failing test calls it.
void PrintTo(const GoldenCase& golden, std::ostream* out);

// All of them; stops the test program where the files are not as they should.
const std::vector<GoldenCase>& GoldenCases();

// The tensor "CASE.what" as rows of equal size; empty where there is none.
std::vector<std::vector<float>> GoldenRows(const GoldenCase& golden,
                                           const std::string& what,
                                           size_t row_size);
std::vector<float> GoldenVector(const GoldenCase& golden,
                                const std::string& what);

// The model that stands in for the UNet.
std::vector<float> ToyModel(const std::vector<float>& input, double timestep);

}  // namespace sheaf::engine
