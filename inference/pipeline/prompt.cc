#include "inference/pipeline/prompt.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

absl::StatusOr<ClipTextOutput> Run(const Model& model,
                                   const TextEncoder& encoder,
                                   const std::string& text, int skip) {
  const int64_t layers = encoder.clip->config().layers;
  if (skip < 0 || skip >= layers) {
    return absl::InvalidArgumentError(
        absl::StrCat("clip_skip must be at least 0 and below ", layers));
  }
  SHEAF_ASSIGN_OR_RETURN(const std::vector<int64_t> ids,
                         encoder.tokenizer.Encode(text));
  return (*encoder.clip)(
      at::tensor(ids).unsqueeze(0).to(model.options.placement.device));
}

at::Tensor OnCpu(const at::Tensor& tensor) {
  return tensor.to(at::kCPU, at::kFloat).squeeze(0);
}

// SD 1 and 2: the last layer's output, or an earlier one's, normalised.
absl::StatusOr<EncodedPrompt> EncodeOne(const Model& model,
                                        const std::string& text, int skip) {
  SHEAF_ASSIGN_OR_RETURN(const ClipTextOutput output,
                         Run(model, *model.text, text, skip));
  return EncodedPrompt{
      OnCpu(skip == 0 ? output.last : model.text->clip->Skipped(output, skip)),
      {}};
}

// SDXL: the last layer but one of each encoder, as it is, side by side.
absl::StatusOr<EncodedPrompt> EncodeBoth(const Model& model,
                                         const std::string& text,
                                         const std::string& text_2, int skip) {
  std::vector<at::Tensor> contexts;
  EncodedPrompt encoded;
  for (const TextEncoder* encoder : {model.text.get(), model.text_2.get()}) {
    if (encoder == nullptr) continue;
    // A model with the second encoder alone reads the first prompt.
    const bool is_second =
        encoder == model.text_2.get() && model.text != nullptr;
    SHEAF_ASSIGN_OR_RETURN(
        const ClipTextOutput output,
        Run(model, *encoder, is_second ? text_2 : text, skip));
    contexts.push_back(OnCpu(
        output.hidden[output.hidden.size() - static_cast<size_t>(skip + 2)]));
    if (output.projected.defined()) encoded.pooled = OnCpu(output.projected);
  }
  encoded.context = at::cat(contexts, -1);
  if (!encoded.pooled.defined()) {
    return absl::InvalidArgumentError(model.folder +
                                      ": no text encoder with a projection");
  }
  return encoded;
}

}  // namespace

absl::StatusOr<EncodedPrompt> EncodePrompt(const Model& model,
                                           const RunRequest& request) {
  if (!model.is_xl()) {
    if (model.text == nullptr) {
      return absl::InvalidArgumentError(model.folder + ": no text_encoder");
    }
    return EncodeOne(model, request.prompt, request.clip_skip);
  }
  return EncodeBoth(model, request.prompt,
                    request.prompt_2.value_or(request.prompt),
                    request.clip_skip);
}

absl::StatusOr<EncodedPrompt> EncodeNegative(const Model& model,
                                             const RunRequest& request) {
  const std::string negative = request.negative_prompt.value_or("");
  if (!model.is_xl()) return EncodeOne(model, negative, 0);
  SHEAF_ASSIGN_OR_RETURN(
      EncodedPrompt encoded,
      EncodeBoth(model, negative, request.negative_prompt_2.value_or(negative),
                 0));
  Config::Reader reader(model.index.config);
  if (!request.negative_prompt &&
      reader.Bool("force_zeros_for_empty_prompt", true)) {
    encoded.context = at::zeros_like(encoded.context);
    encoded.pooled = at::zeros_like(encoded.pooled);
  }
  return encoded;
}

}  // namespace sheaf::engine
