// Secrets that a program gives out and is shown again, and values bound to one.
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sheaf {

inline constexpr size_t kSecretBytes = 16;

// `count` bytes that nobody can guess, from the system.
std::string RandomBytes(size_t count = kSecretBytes);

// Whether the two are one secret. The time it takes does not tell where they
// differ. An empty text is no secret, and equals no other.
bool IsSameSecret(std::string_view a, std::string_view b);

// HMAC-SHA-256 of `text` by `key`, in lower-case hex.
std::string HmacHex(std::string_view key, std::string_view text);

// A number that anyone who knows the secret and its purpose can compute again.
// Nobody can learn either of them from the number.
int64_t MarkOf(std::string_view secret, std::string_view purpose);

}  // namespace sheaf
