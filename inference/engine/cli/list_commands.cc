#include <cinttypes>
#include <cstdio>
#include <filesystem>

#include "base/status.h"
#include "inference/engine/cli/commands.h"
#include "inference/engine/control/preprocess_text.h"
#include "inference/engine/image/picture_file.h"
#include "inference/engine/image/png.h"
#include "inference/engine/schedule/registry.h"
#include "inference/engine/weights/file.h"
#include "inference/engine/weights/folder.h"

namespace sheaf::engine {
namespace {

constexpr size_t kKeypointBytesMax = size_t{16} << 20;

void PrintWeights(const std::string& name, const TensorMap& tensors) {
  size_t elements = 0;
  size_t bytes = 0;
  std::map<std::string, size_t> types;
  for (const auto& item : tensors) {
    elements += item.second.element_count();
    bytes += item.second.byte_count();
    ++types[std::string(NameOf(item.second.dtype))];
  }
  std::printf("  %-16s %6zu tensors %14zu parameters %10.1f MiB ", name.c_str(),
              tensors.size(), elements, static_cast<double>(bytes) / (1 << 20));
  for (const auto& [type, count] : types) {
    std::printf(" %s x %zu", type.c_str(), count);
  }
  std::printf("\n");
}

absl::Status RunInspect(Arguments* arguments) {
  if (arguments->words().size() != 1) {
    return absl::InvalidArgumentError("inspect takes one folder or file");
  }
  const std::string& path = arguments->words()[0];
  const LoadOptions options = {.variant = arguments->Text("variant", ""),
                               .allow_pickle = arguments->Has("allow-pickle")};
  if (std::filesystem::is_regular_file(path)) {
    SHEAF_ASSIGN_OR_RETURN(const TensorMap tensors,
                           LoadWeightFile(path, options));
    PrintWeights(path, tensors);
    return absl::OkStatus();
  }
  if (!std::filesystem::exists(path + "/model_index.json")) {
    SHEAF_ASSIGN_OR_RETURN(const TensorMap tensors, LoadWeights(path, options));
    PrintWeights(path, tensors);
    return absl::OkStatus();
  }
  SHEAF_ASSIGN_OR_RETURN(const ModelIndex index, ReadModelIndex(path));
  std::printf("%s\n", index.class_name.c_str());
  for (const auto& [name, component] : index.components) {
    const std::string folder = path + "/" + name;
    if (FindWeights(folder, options).ok()) {
      SHEAF_ASSIGN_OR_RETURN(const TensorMap tensors,
                             LoadWeights(folder, options));
      PrintWeights(name, tensors);
    } else {
      std::printf("  %-16s %s\n", name.c_str(), component.class_name.c_str());
    }
  }
  return absl::OkStatus();
}

absl::Status RunSchedulers(Arguments*) {
  std::printf("auto  (the model's own)\n");
  for (const SchedulerName& name : SchedulerNames()) {
    std::printf("%-28s %-36s %s\n", std::string(name.name).c_str(),
                std::string(NameOf(name.scheduler)).c_str(),
                std::string(name.overrides).c_str());
  }
  std::printf(
      "Any of them may be followed by Karras, Exponential, Beta or SGM "
      "Uniform.\n");
  return absl::OkStatus();
}

absl::Status RunPreprocess(Arguments* arguments) {
  if (arguments->words().size() != 3) {
    return absl::InvalidArgumentError(
        "preprocess takes a name, a picture and a file to write");
  }
  SHEAF_ASSIGN_OR_RETURN(const Preprocessing wanted,
                         ParsePreprocessing(arguments->words()[0]));
  SHEAF_ASSIGN_OR_RETURN(const std::string bytes,
                         ReadFile(arguments->words()[1], kPictureBytesMax));
  PreprocessInput input;
  if (ReadPngSize(bytes).ok()) {
    // A PNG may have more than eight bits.
    SHEAF_ASSIGN_OR_RETURN(PngFile file, DecodePng(bytes));
    input.image = std::move(file.image);
    input.deep = std::move(file.deep);
  } else {
    SHEAF_ASSIGN_OR_RETURN(input.image, DecodePicture(bytes));
  }
  if (arguments->Has("keypoints")) {
    SHEAF_ASSIGN_OR_RETURN(
        input.keypoints,
        ReadFile(arguments->Text("keypoints", ""), kKeypointBytesMax));
  }
  PreprocessOptions options = wanted.options;
  options.low = arguments->Integer("low", options.low, 0, 2048);
  options.high = arguments->Integer("high", options.high, 0, 2048);
  options.invert = options.invert || arguments->Has("invert");
  SHEAF_RETURN_IF_ERROR(arguments->status());
  SHEAF_ASSIGN_OR_RETURN(const Image image,
                         Preprocess(wanted.preprocessor, input, options));
  SHEAF_ASSIGN_OR_RETURN(const std::string png, EncodePng(image, {}));
  return WriteFile(arguments->words()[2], png);
}

}  // namespace

Command InspectCommand() {
  return {"inspect",
          "MODEL",
          "Lists the contents of a model's folder or of one weight file.",
          {{"variant", "NAME", "variant of the weight files, e.g. fp16"},
           {"allow-pickle", "", "read .bin, .pt and similar files"}},
          &RunInspect};
}

Command SchedulersCommand() {
  return {"schedulers", "", "Lists the samplers by name.", {}, &RunSchedulers};
}

Command PreprocessCommand() {
  return {"preprocess",
          "NAME PICTURE OUT.png",
          "Turns a picture into the input of a ControlNet; NAME may have "
          "options, as canny(low=50,high=150).",
          {{"low", "N", "canny's lower threshold"},
           {"high", "N", "and its upper one"},
           {"invert", "", "turn dark on white into white on dark"},
           {"keypoints", "JSON", "keypoints for pose"}},
          &RunPreprocess};
}

}  // namespace sheaf::engine
