#include <algorithm>
#include <chrono>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "inference/engine/cli/commands.h"
#include "inference/engine/cli/placement.h"
#include "inference/engine/families/unet/noise_input.h"
#include "inference/engine/families/unet/unet.h"
#include "inference/engine/tensor/accelerator.h"
#include "inference/engine/tensor/devices.h"
#include "inference/engine/tensor/guard.h"
#include "inference/engine/tensor/process.h"

namespace sheaf::engine {
namespace {

// The median of several calls, in milliseconds, after one that warms up.
double MedianCall(const UNet& unet, const UNetInput& input, int repeats) {
  std::vector<double> times;
  for (int i = 0; i <= repeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    // Copying the output waits for it: a device returns before it is done.
    unet(input).to(at::kCPU);
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - begin;
    if (i > 0) times.push_back(took.count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

absl::Status RunBench(Arguments* arguments) {
  if (arguments->words().size() != 1) {
    return absl::InvalidArgumentError("bench takes the folder of a UNet");
  }
  const int repeats = arguments->Integer("repeats", 5, 1, 1000);
  SHEAF_RETURN_IF_ERROR(arguments->status());
  const LoadOptions load = {.variant = arguments->Text("variant", "")};
  SHEAF_ASSIGN_OR_RETURN(const Placement placement, PlacementOf(*arguments));
  SHEAF_ASSIGN_OR_RETURN(const auto unet,
                         UNet::Load(arguments->words()[0], load, placement));
  const int side =
      arguments->Integer("side", static_cast<int>(unet->side()), 1, 1024);
  SHEAF_RETURN_IF_ERROR(arguments->status());
  if (!placement.device.is_cpu()) {
    std::printf("%s\n", MakeOf(FactsOf(placement.device.str())).c_str());
  }
  std::printf(
      "%d threads, %s, %d x %d latents; a 256^3 product takes %.2f ms\n",
      at::get_num_threads(), arguments->Text("dtype", "fp32").c_str(), side,
      side, ProbeMatrixProduct());
  std::printf("%6s %12s %14s %10s %12s\n", "rows", "ms per call", "row-steps/s",
              "gain", "peak MiB");
  double single = 0;
  const std::string counts = arguments->Text("rows", "1,2,4,8,16");
  for (const std::string& word :
       std::vector<std::string>(absl::StrSplit(counts, ','))) {
    int rows = 0;
    if (!absl::SimpleAtoi(word, &rows) || rows < 1 || rows > 1024) {
      return absl::InvalidArgumentError("--rows must be numbers with commas");
    }
    double took = 0;
    SHEAF_RETURN_IF_ERROR(Guard("a call", [&] {
      const UNetInput input = NoiseInput(*unet, rows, side);
      ResetMemoryPeak(placement.device);
      took = MedianCall(*unet, input, repeats);
    }));
    if (single == 0) single = took / rows;
    std::printf("%6d %12.2f %14.2f %10.2f %12.1f\n", rows, took,
                1000 * rows / took, single * rows / took,
                static_cast<double>(MemoryPeak(placement.device)) / (1 << 20));
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

}  // namespace

Command BenchCommand() {
  return {"bench",
          "UNET",
          "Measures the calls of a UNet for several numbers of rows.",
          {{"rows", "LIST", "numbers of rows; default: 1,2,4,8,16"},
           {"side", "N", "side of the latents; default: the model's own"},
           {"repeats", "N", "calls to take the median of; default: 5"},
           DeviceOption(),
           DtypeOption(),
           {"variant", "NAME", "variant of the weight files, e.g. fp16"}},
          &RunBench};
}

}  // namespace sheaf::engine
