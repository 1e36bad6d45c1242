// The formats of pictures that Sheaf takes, told from a file's first bytes.
// Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sheaf {

enum class PictureFormat { kPng, kJpeg, kWebp };

// So many of the first bytes tell the format.
inline constexpr size_t kPictureFormatBytes = 12;

// Nothing for other bytes, and for bytes that are cut short.
std::optional<PictureFormat> PictureFormatOf(std::string_view head);

}  // namespace sheaf
