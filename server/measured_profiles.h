// By which profile work is priced: the one that a worker measured for it; one
// measured at another size of the same model and device, scaled by the pixels;
// or the configured one. A value; whoever owns it locks it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "batching/profile.h"
#include "server/work_kind.h"

namespace sheaf::server {

class MeasuredProfiles {
 public:
  explicit MeasuredProfiles(batching::Profile configured)
      : configured_(std::move(configured)) {}

  const batching::Profile& configured() const { return configured_; }

  // In place of what was measured before. Whoever owns it bounds how many.
  void Put(const WorkKind& kind, batching::Profile profile);
  // Whether there was one.
  bool Remove(const WorkKind& kind) { return profiles_.erase(kind) > 0; }

  // Never fails: at worst the configured one.
  batching::Profile For(const WorkKind& kind) const;
  // Whether For() would answer with figures of this model on this device.
  bool IsMeasured(const WorkKind& kind) const;
  bool IsMeasuredAtThatSize(const WorkKind& kind) const {
    return profiles_.count(kind) > 0;
  }
  // Devices that have measured the model at any size.
  std::vector<std::string> DevicesOf(const std::string& model) const;

  const std::map<WorkKind, batching::Profile>& all() const { return profiles_; }

 private:
  using Entry = std::pair<const WorkKind, batching::Profile>;
  // Of the same device and model, nearest in pixels; null where there is none,
  // or where the pixels are not known.
  const Entry* Nearest(const WorkKind& kind) const;

  const batching::Profile configured_;
  std::map<WorkKind, batching::Profile> profiles_;
};

// For pictures of `factor` times the pixels: a row of theirs costs what that
// many rows cost, but no less than one does, since a device that is not full
// does less in the same time. Decoding grows with the pixels.
batching::Profile Scaled(batching::Profile profile, double factor);

}  // namespace sheaf::server
