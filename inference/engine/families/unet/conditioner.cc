#include "inference/engine/families/unet/conditioner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

using Parts = UNetConditioner::Parts;

// A request's prompt: one text for the first encoder and one for the second.
struct Texts {
  std::string first;
  std::string second;
  int skip = 0;
};

// The second text; where there is none, or an empty one, the first.
std::string SecondOf(const std::optional<std::string>& second,
                     const std::string& first) {
  return second.value_or("").empty() ? first : *second;
}

Texts PromptOf(const RunRequest& request) {
  return {request.prompt, SecondOf(request.prompt_2, request.prompt),
          request.clip_skip};
}

Texts NegativeOf(const RunRequest& request) {
  const std::string negative = request.negative_prompt.value_or("");
  return {negative, SecondOf(request.negative_prompt_2, negative), 0};
}

// The chunks of a text. Without emphasis and with prompt_chunks 1, it is one
// chunk, encoded as the reference does.
absl::StatusOr<std::vector<TokenChunk>> ChunksOf(const TextEncoder& encoder,
                                                 const std::string& text,
                                                 const RunRequest& request) {
  if (!request.emphasis && request.prompt_chunks == 1) {
    SHEAF_ASSIGN_OR_RETURN(std::vector<int64_t> ids,
                           encoder.tokenizer.Encode(text));
    return std::vector<TokenChunk>{{.ids = std::move(ids)}};
  }
  const std::vector<WeightedText> parts =
      request.emphasis ? ParseEmphasis(text)
                       : std::vector<WeightedText>{{.text = text}};
  return encoder.tokenizer.EncodeLong(parts, request.prompt_chunks);
}

// The encoders that read a prompt, each with its text. A model with the second
// encoder alone reads the first prompt.
std::vector<std::pair<const TextEncoder*, std::string>> ReadersOf(
    const Parts& parts, const Texts& texts) {
  std::vector<std::pair<const TextEncoder*, std::string>> readers;
  if (parts.first != nullptr) {
    readers.emplace_back(parts.first.get(), texts.first);
  }
  if (parts.is_xl && parts.second != nullptr) {
    readers.emplace_back(parts.second.get(),
                         parts.first == nullptr ? texts.first : texts.second);
  }
  return readers;
}

// The number of chunks of a request's longest prompt; its other prompts are
// filled up to it.
absl::StatusOr<size_t> ChunkCount(const Parts& parts,
                                  const RunRequest& request) {
  if (request.prompt_chunks == 1) return 1;
  size_t most = 1;
  for (const Texts& texts : {PromptOf(request), NegativeOf(request)}) {
    for (const auto& [encoder, text] : ReadersOf(parts, texts)) {
      SHEAF_ASSIGN_OR_RETURN(const std::vector<TokenChunk> chunks,
                             ChunksOf(*encoder, text, request));
      most = std::max(most, chunks.size());
    }
  }
  return most;
}

at::Tensor OnCpu(const at::Tensor& tensor) {
  return tensor.to(at::kCPU, at::kFloat).squeeze(0);
}

// Multiplies tokens by their weights, then restores the mean of the whole.
at::Tensor Weighted(const at::Tensor& context, const TokenChunk& chunk) {
  const bool is_plain = std::all_of(chunk.weights.begin(), chunk.weights.end(),
                                    [](float weight) { return weight == 1; });
  if (is_plain) return context;
  const at::Tensor weighted = context * at::tensor(chunk.weights).unsqueeze(1);
  return weighted * (context.mean() / weighted.mean());
}

// The vectors that UNets attend to. SD 1 and 2: the output of the last layer,
// normalised. SDXL: the output of the last layer but one, as it is. With
// `skip`, the layer is that many places earlier.
at::Tensor ContextOf(const ClipText& clip, const ClipTextOutput& output,
                     bool is_xl, int skip) {
  if (is_xl) {
    return OnCpu(
        output.hidden[output.hidden.size() - static_cast<size_t>(skip + 2)]);
  }
  return OnCpu(skip == 0 ? output.last : clip.Skipped(output, skip));
}

// Encodes chunks and joins their contexts. The pooled output is the first
// chunk's.
EncodedPrompt EncodeChunks(const Parts& parts, const TextEncoder& encoder,
                           const std::vector<TokenChunk>& chunks, int skip) {
  EncodedPrompt encoded;
  std::vector<at::Tensor> contexts;
  for (const TokenChunk& chunk : chunks) {
    const at::Tensor ids = at::tensor(chunk.ids).unsqueeze(0);
    const ClipTextOutput output = (*encoder.clip)(ids.to(parts.device));
    contexts.push_back(
        Weighted(ContextOf(*encoder.clip, output, parts.is_xl, skip), chunk));
    if (!encoded.pooled.defined() && output.projected.defined()) {
      encoded.pooled = OnCpu(output.projected);
    }
  }
  encoded.context = at::cat(contexts, 0);
  return encoded;
}

// Joins the contexts of SDXL's encoders side by side. The pooled output comes
// from the encoder that has a projection.
absl::StatusOr<EncodedPrompt> EncodeTexts(const Parts& parts,
                                          const RunRequest& request,
                                          const Texts& texts, size_t count) {
  EncodedPrompt encoded;
  std::vector<at::Tensor> contexts;
  for (const auto& [encoder, text] : ReadersOf(parts, texts)) {
    const int64_t layers = encoder->clip->config().layers;
    if (texts.skip < 0 || texts.skip >= layers) {
      return absl::InvalidArgumentError(
          absl::StrCat("clip_skip must be at least 0 and below ", layers));
    }
    SHEAF_ASSIGN_OR_RETURN(std::vector<TokenChunk> chunks,
                           ChunksOf(*encoder, text, request));
    chunks.resize(count, encoder->tokenizer.EmptyChunk());
    const EncodedPrompt part =
        EncodeChunks(parts, *encoder, chunks, texts.skip);
    contexts.push_back(part.context);
    if (part.pooled.defined()) encoded.pooled = part.pooled;
  }
  if (contexts.empty()) {
    return absl::InvalidArgumentError(parts.folder + ": no text_encoder");
  }
  encoded.context = at::cat(contexts, -1);
  if (parts.is_xl && !encoded.pooled.defined()) {
    return absl::InvalidArgumentError(parts.folder +
                                      ": no text encoder with a projection");
  }
  return encoded;
}

// A key of everything that an encoding depends on. The first text's length
// stands before the texts, so that no two pairs of texts have the same key.
std::string KeyOf(const RunRequest& request, const Texts& texts, size_t count) {
  return absl::StrCat(texts.skip, " ", request.emphasis, " ",
                      request.prompt_chunks, " ", count, " ",
                      texts.first.size(), " ", texts.first, texts.second);
}

absl::StatusOr<EncodedPrompt> EncodeOnce(const Parts& parts,
                                         const RunRequest& request,
                                         const Texts& texts,
                                         PromptCache* prompts) {
  SHEAF_ASSIGN_OR_RETURN(const size_t count, ChunkCount(parts, request));
  const std::string key = KeyOf(request, texts, count);
  if (auto found = prompts->Find(key)) return *std::move(found);
  SHEAF_ASSIGN_OR_RETURN(EncodedPrompt encoded,
                         EncodeTexts(parts, request, texts, count));
  prompts->Put(key, encoded);
  return encoded;
}

// SDXL's sizes: the original size and the crop, then the target size or, for
// refiners, the aesthetic score.
at::Tensor TimeIds(const Parts& parts, const RunRequest& request,
                   bool is_prompt) {
  const Pair own = {request.height, request.width};
  const Pair original = request.original_size.value_or(own);
  const Pair target = request.target_size.value_or(own);
  std::vector<double> ids = {static_cast<double>(original.first),
                             static_cast<double>(original.second),
                             static_cast<double>(request.crop.first),
                             static_cast<double>(request.crop.second)};
  if (parts.takes_score) {
    ids.push_back(is_prompt ? request.aesthetic_score
                            : request.negative_aesthetic_score);
  } else {
    ids.push_back(static_cast<double>(target.first));
    ids.push_back(static_cast<double>(target.second));
  }
  return at::tensor(ids, at::kFloat);
}

// Moves everything to the model's device, so that no step has to wait for it.
std::shared_ptr<const Conditioning> ConditioningOf(const Parts& parts,
                                                   const RunRequest& request,
                                                   const EncodedPrompt& prompt,
                                                   bool is_prompt) {
  auto conditioning = std::make_shared<UNetConditioning>();
  conditioning->context = prompt.context.to(parts.device);
  if (prompt.pooled.defined()) {
    conditioning->pooled = prompt.pooled.to(parts.device);
  }
  if (parts.is_xl) {
    conditioning->time_ids =
        TimeIds(parts, request, is_prompt).to(parts.device);
  }
  return conditioning;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Conditioning>> UNetConditioner::Prompt(
    const RunRequest& request) const {
  SHEAF_ASSIGN_OR_RETURN(
      const EncodedPrompt encoded,
      EncodeOnce(parts_, request, PromptOf(request), &prompts_));
  return ConditioningOf(parts_, request, encoded, true);
}

absl::StatusOr<std::shared_ptr<const Conditioning>>
UNetConditioner::NegativePrompt(const RunRequest& request) const {
  SHEAF_ASSIGN_OR_RETURN(
      EncodedPrompt encoded,
      EncodeOnce(parts_, request, NegativeOf(request), &prompts_));
  if (parts_.is_xl && !request.negative_prompt && parts_.has_zeros_for_none) {
    encoded.context = at::zeros_like(encoded.context);
    encoded.pooled = at::zeros_like(encoded.pooled);
  }
  return ConditioningOf(parts_, request, encoded, false);
}

}  // namespace sheaf::engine
