#include "inference/engine/tensor/guard.h"

#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/tensor/torch.h"

namespace sheaf::engine {
namespace {

// Allocators of older versions, and of libraries below them, throw plain
// errors.
bool SpeaksOfMemory(std::string_view message) {
  for (const std::string_view words :
       {"can't allocate memory", "out of memory", "CUDNN_STATUS_ALLOC_FAILED",
        "CUBLAS_STATUS_ALLOC_FAILED"}) {
    if (message.find(words) != std::string_view::npos) return true;
  }
  return false;
}

absl::Status Classify(const char* what, std::string_view message) {
  // Keeps the first line: the rest is LibTorch's stack trace.
  const std::string text =
      absl::StrCat(what, ": ", ToAbsl(message.substr(0, message.find('\n'))));
  if (SpeaksOfMemory(message)) return absl::ResourceExhaustedError(text);
  if (message.find("CUDA error") != std::string_view::npos) {
    return absl::AbortedError(text);
  }
  return absl::InternalError(text);
}

}  // namespace

absl::Status Guard(const char* what, const std::function<void()>& work) {
  try {
    const c10::InferenceMode no_gradients;
    work();
    return absl::OkStatus();
  } catch (const c10::Error& error) {
    return Classify(what, error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(what, ": out of memory"));
  } catch (const std::exception& error) {
    return Classify(what, error.what());
  }
}

}  // namespace sheaf::engine
