#include "inference/engine/families/unet/unet.h"

#include "base/status.h"
#include "inference/engine/models/load.h"

namespace sheaf::engine {
namespace {

// Adds `map` to all of `maps`, or to the rows named.
void Add(const at::Tensor& map, const at::Tensor& rows, at::Tensor* maps) {
  if (!rows.defined()) {
    maps->add_(map);
    return;
  }
  maps->index_add_(
      0, rows,
      map.expand({map.size(0), -1, maps->size(2), maps->size(3)}).contiguous());
}

}  // namespace

UNet::UNet(const ModuleScope& scope, const UNetConfig& config)
    : config_(config),
      placement_(scope.placement()),
      encoder_(scope, config),
      norm_out_(scope.Sub("conv_norm_out"), config.groups,
                config.first_channels(), config.epsilon),
      conv_out_(scope.Sub("conv_out"),
                {.in = config.first_channels(), .out = config.out_channels}) {
  const size_t levels = config.levels.size();
  for (size_t i = 0; i < levels; ++i) {
    up_.emplace_back(scope.Sub("up_blocks", i), config, levels - 1 - i);
  }
}

absl::StatusOr<std::unique_ptr<UNet>> UNet::Load(const std::string& folder,
                                                 const LoadOptions& options,
                                                 const Placement& placement,
                                                 AdapterSlots* slots) {
  SHEAF_ASSIGN_OR_RETURN(const Config json,
                         Config::Read(folder + "/config.json"));
  SHEAF_ASSIGN_OR_RETURN(const UNetConfig config, ReadUNetConfig(json));
  return LoadModule<UNet>(folder, options, placement, config, slots);
}

at::Tensor UNet::operator()(const UNetInput& input) const {
  at::Tensor sample = input.sample.to(placement_.device, placement_.dtype)
                          .contiguous(at::MemoryFormat::ChannelsLast);
  if (config_.centers_input) sample = sample * 2 - 1;
  const BlockInput block = {encoder_.Time(input.time),
                            {input.context.to(placement_.dtype), input.keys}};
  std::vector<at::Tensor> residuals =
      encoder_.Down(encoder_.First(sample), block);
  at::Tensor x = encoder_.Middle(residuals.back(), block);
  // Adds in place: the middle block was the last to read the unchanged
  // residuals.
  for (const ControlResiduals& control : input.controls) {
    for (size_t i = 0; i < residuals.size(); ++i) {
      Add(control.down[i], control.rows, &residuals[i]);
    }
    Add(control.middle, control.rows, &x);
  }
  for (const UpBlock& up : up_) x = up(x, block, &residuals);
  return conv_out_(at::silu(norm_out_(x))).to(input.sample.scalar_type());
}

}  // namespace sheaf::engine
