// What bytes are, told from the bytes themselves and never from what somebody
// says of them. Pure; any thread.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace sheaf::server {

// As many of the first bytes as the functions below look at.
inline constexpr size_t kMediaHeadBytes = 33;

inline constexpr std::string_view kOtherMediaType = "application/octet-stream";

// "image/png", "image/jpeg", "image/webp", or kOtherMediaType.
std::string_view SniffMediaType(std::string_view head);

// Whether a picture's header makes sense and its sides are at most
// `side_max`; looks into PNG only. ARTIFACT_TYPE_REFUSED or
// ARTIFACT_TOO_LARGE.
absl::Status CheckPictureHead(std::string_view head, uint32_t side_max);

// Whether bytes of type `sniffed` may be called `claimed` ("" claims nothing):
// a picture is what it is, and nothing else is a picture.
// ARTIFACT_TYPE_REFUSED.
absl::Status CheckClaim(std::string_view claimed, std::string_view sniffed);

}  // namespace sheaf::server
