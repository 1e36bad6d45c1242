#include "tests/inference/schedule/golden.h"

#include <cmath>
#include <map>
#include <sstream>

#include "base/check.h"
#include "inference/weights/file.h"
#include "inference/weights/safetensors.h"

namespace sheaf::engine {
namespace {

const std::string kFolder =
    std::string(SHEAF_SOURCE_DIR) + "/tests/golden/schedulers";

std::vector<double> Numbers(const Json* array) {
  std::vector<double> numbers;
  if (array == nullptr) return numbers;
  for (const Json& number : *array->array()) {
    numbers.push_back(*number.number());
  }
  return numbers;
}

GoldenCase ReadCase(const std::string& line) {
  const Json json = Json::Parse(line).value();
  GoldenCase golden;
  golden.name = *json.Find("case")->text();
  golden.class_name = *json.Find("class")->text();
  golden.config = Config::Of(*json.Find("config"), golden.name);
  golden.steps = static_cast<int>(*json.Find("steps")->integer());
  golden.begin = static_cast<int>(*json.Find("begin_step")->integer() *
                                  *json.Find("order")->integer());
  golden.eta = *json.Find("eta")->number();
  golden.timesteps = Numbers(json.Find("timesteps"));
  golden.integer_timesteps = *json.Find("integer_timesteps")->boolean();
  golden.sigmas = Numbers(json.Find("sigmas"));
  golden.init_scale = *json.Find("init_noise_sigma")->number();
  golden.noises = static_cast<int>(*json.Find("noises")->integer());
  golden.max_abs = *json.Find("max_abs")->number();
  return golden;
}

const TensorMap& TensorsOf(const std::string& class_name) {
  static auto* files = new std::map<std::string, TensorMap>;
  auto found = files->find(class_name);
  if (found == files->end()) {
    SafetensorsFile file =
        ReadSafetensors(kFolder + "/" + class_name + ".safetensors").value();
    found = files->emplace(class_name, std::move(file.tensors)).first;
  }
  return found->second;
}

}  // namespace

SchedulerClass GoldenCase::scheduler() const {
  const auto scheduler = SchedulerClassNamed(class_name);
  SHEAF_CHECK(scheduler.has_value());
  return *scheduler;
}

CompileOptions GoldenCase::options() const {
  CompileOptions options;
  options.steps = steps;
  options.begin = begin;
  if (scheduler() == SchedulerClass::kDdim) options.eta = eta;
  return options;
}

void PrintTo(const GoldenCase& golden, std::ostream* out) {
  *out << golden.class_name << " " << golden.name;
}

const std::vector<GoldenCase>& GoldenCases() {
  static const auto* cases = [] {
    auto* list = new std::vector<GoldenCase>;
    std::istringstream lines(
        ReadFile(kFolder + "/cases.jsonl", 10 << 20).value());
    for (std::string line; std::getline(lines, line);) {
      list->push_back(ReadCase(line));
    }
    return list;
  }();
  return *cases;
}

std::vector<float> GoldenVector(const GoldenCase& golden,
                                const std::string& what) {
  const TensorMap& tensors = TensorsOf(golden.class_name);
  const auto found = tensors.find(golden.name + "." + what);
  if (found == tensors.end()) return {};
  return found->second.ToFloats();
}

std::vector<std::vector<float>> GoldenRows(const GoldenCase& golden,
                                           const std::string& what,
                                           size_t row_size) {
  const std::vector<float> all = GoldenVector(golden, what);
  SHEAF_CHECK(row_size > 0 && all.size() % row_size == 0);
  std::vector<std::vector<float>> rows;
  for (size_t at = 0; at < all.size(); at += row_size) {
    rows.emplace_back(all.begin() + at, all.begin() + at + row_size);
  }
  return rows;
}

std::vector<float> ToyModel(const std::vector<float>& input, double timestep) {
  const auto shift = static_cast<float>(0.1 * std::cos(0.01 * timestep));
  std::vector<float> output;
  for (const float x : input) output.push_back(0.5f * std::tanh(x) + shift);
  return output;
}

}  // namespace sheaf::engine
