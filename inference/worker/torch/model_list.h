// The models that a worker offers, by the aliases that clients use: clients
// never send paths.
//
// A path is a model's folder in the diffusers layout, a folder of such folders,
// or a file of tables:
//
//   [models.dreamy]
//   folder = "dreamy-v3"        # Beside this file, or from the root.
//   variant = "fp16"
//
// The same keys, but for `folder`, may stand in a sheaf.toml inside a model's
// own folder, with `alias` for another name than the folder's. Folders inside
// it that are called controlnet_TYPE and vae_NAME are offered along with it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/runtime/image_request.h"

namespace sheaf::worker {

struct OfferedModel {
  std::string alias;
  engine::ModelPlace place;
  // The SHA-256 of the weight files of the denoiser (the UNet), one after the
  // other. Empty: not pinned.
  std::string sha256;
  std::map<std::string, std::string> controls;  // Folder by type.
  std::map<std::string, std::string> vaes;      // Folder by alias.
  // The VAE for runs that name none; empty: the model's own. Pictures of more
  // than `vae_large_pixels` pixels take `vae_large` instead, if it is set.
  std::string vae;
  std::string vae_fp16;  // In place of `vae` where weights are held in fp16.
  std::string vae_large;
  int64_t vae_large_pixels = 0;
  // Defaults for runs that leave these out.
  int steps = 20;
  double guidance = 7.5;
  std::string sampler = "auto";
  std::string own_sampler;  // The meaning of "auto"; empty: unknown.
  int width = 0;            // 0: what it was trained for.
  int height = 0;
  int64_t pixels_max = 0;  // Most pixels of a picture; 0: the worker's.
  bool is_default = false;
};

// Immutable. Any thread.
class ModelList {
 public:
  // NOT_FOUND if a path, or a folder that a table names, is not there or holds
  // no model. INVALID_ARGUMENT, with the file and the key, for a mistake in a
  // table; also for an alias that stands for two models, and for weights whose
  // SHA-256 is not the one in the table.
  static absl::StatusOr<ModelList> Read(const std::vector<std::string>& paths);

  // Keeps these models and forgets the others. NOT_FOUND for one that is not
  // there.
  absl::Status Keep(const std::vector<std::string>& aliases);

  // Models are held in fp16: `vae_fp16` replaces `vae` where it is set.
  void ExpectHalf();

  // "" finds the default: the model whose table says so, or the first in the
  // list. Null if there is none.
  const OfferedModel* Find(const std::string& alias) const;
  // Sorted by alias; after Keep, in the order of its aliases.
  const std::vector<OfferedModel>& all() const { return models_; }

 private:
  std::vector<OfferedModel> models_;
};

// The folder of a ControlNet for `type`, also if the model has it under another
// of its names ("edge" and "canny", "seg" and "segmentation", "vis", "tile" and
// "blur", "pose" and "openpose"). Empty if there is none.
std::string ControlFolder(const OfferedModel& model, const std::string& type);

}  // namespace sheaf::worker
