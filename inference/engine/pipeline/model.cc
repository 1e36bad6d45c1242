#include "inference/engine/pipeline/model.h"

#include "base/status.h"

namespace sheaf::engine {

absl::StatusOr<std::unique_ptr<const Vae>> LoadVae(const Model& model,
                                                   Placement placement) {
  const std::string folder =
      model.options.vae.empty() ? model.folder + "/vae" : model.options.vae;
  SHEAF_ASSIGN_OR_RETURN(const Config json,
                         Config::Read(folder + "/config.json"));
  SHEAF_ASSIGN_OR_RETURN(const VaeConfig config, ReadVaeConfig(json));
  // In half precision, an autoencoder's picture turns black where a value
  // passes 65504. Autoencoders with force_upcast are therefore held in fp32.
  if (config.force_upcast && placement.dtype == at::kHalf) {
    placement.dtype = at::kFloat;
  }
  return Vae::Load(folder, model.options.load, placement);
}

}  // namespace sheaf::engine
