#include "server/config/device_profile.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/near_word.h"
#include "base/status.h"

namespace sheaf::server {
namespace {

struct Place {
  std::string file;
  std::string name;
};

// A file may have a colon in its name; such a file exists under all of `where`.
Place PlaceOf(const std::string& where) {
  const size_t colon = where.rfind(':');
  std::error_code error;
  if (colon == where.npos || std::filesystem::exists(where, error)) {
    return {where, ""};
  }
  return {where.substr(0, colon), where.substr(colon + 1)};
}

absl::Status Wrong(const std::string& file, const std::string& what) {
  return absl::InvalidArgumentError(
      absl::StrCat("device_profile: ", file, ": ", what));
}

}  // namespace

batching::Profile UnmeasuredProfile() {
  batching::Profile profile;
  profile.name = "unmeasured device";
  profile.step = {60, 25, 10};
  profile.control = {24, 10, 4};
  profile.encode = {3, 1};
  profile.decode = {0, 20};
  profile.swap = 3000;
  return profile;
}

absl::StatusOr<batching::Profile> LoadDeviceProfile(const std::string& where) {
  if (where == "unmeasured") return UnmeasuredProfile();
  const Place place = PlaceOf(where);
  std::ifstream file(place.file, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || !text) return Wrong(place.file, "cannot be read");
  const auto profiles = batching::ParseProfiles(text.str());
  if (!profiles.ok()) {
    return Wrong(place.file, std::string(profiles.status().message()));
  }
  std::vector<std::string> names;
  for (const auto& [name, profile] : *profiles) {
    if (name == place.name) return profile;
    names.push_back(name);
  }
  if (place.name.empty() && names.size() == 1) {
    return profiles->begin()->second;
  }
  if (place.name.empty()) {
    return Wrong(place.file, absl::StrCat("holds ", names.size(),
                                          " profiles; say which: FILE:NAME"));
  }
  return Wrong(place.file, absl::StrCat("holds no profile '", place.name, "'",
                                        DidYouMean(place.name, names)));
}

}  // namespace sheaf::server
