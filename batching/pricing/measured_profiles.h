// The profiles that price work. For each kind: the one that a worker measured
// for it; one measured at another size of the same model and device, scaled by
// the pixels; or the configured one. A profile prices each control by itself,
// so it is for work with any number of them. A value; its owner locks it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "batching/pricing/profile.h"
#include "batching/pricing/work_kind.h"

namespace sheaf::batching {

class MeasuredProfiles {
 public:
  explicit MeasuredProfiles(Profile configured)
      : configured_(std::move(configured)) {}

  const Profile& configured() const { return configured_; }

  // Replaces the profile that was measured before. The owner bounds how many
  // there are.
  void Put(const WorkKind& kind, Profile profile);
  // Answers whether there was one.
  bool Remove(const WorkKind& kind) {
    return profiles_.erase(kind.Plain()) > 0;
  }

  // Never fails: at worst the configured one.
  Profile For(const WorkKind& kind) const;
  // Whether For() would answer with figures of this model on this device.
  bool IsMeasured(const WorkKind& kind) const;
  bool IsMeasuredAtThatSize(const WorkKind& kind) const {
    return profiles_.count(kind.Plain()) > 0;
  }
  // Whether the device steps the model's rows one by one: it was found out at
  // some size.
  bool StepsAlone(const std::string& device, const std::string& model) const;
  // Devices that have measured the model at any size.
  std::vector<std::string> DevicesOf(const std::string& model) const;

  const std::map<WorkKind, Profile>& all() const { return profiles_; }

 private:
  using Entry = std::pair<const WorkKind, Profile>;
  // The entry of the same device and model that is nearest in pixels; null
  // where there is none, or where the pixels are not known.
  const Entry* Nearest(const WorkKind& kind) const;

  const Profile configured_;
  std::map<WorkKind, Profile> profiles_;
};

// The profile for pictures of `factor` times the pixels: one row of them costs
// as much as `factor` rows, but no less than one row, since a device that is
// not full does less in the same time. Decoding grows with the pixels.
Profile Scaled(Profile profile, double factor);

}  // namespace sheaf::batching
