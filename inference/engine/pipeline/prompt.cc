#include "inference/engine/pipeline/prompt.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

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
    const Model& model, const Texts& texts) {
  std::vector<std::pair<const TextEncoder*, std::string>> readers;
  if (model.text != nullptr)
    readers.emplace_back(model.text.get(), texts.first);
  if (model.is_xl() && model.text_2 != nullptr) {
    readers.emplace_back(model.text_2.get(),
                         model.text == nullptr ? texts.first : texts.second);
  }
  return readers;
}

// The number of chunks of a request's longest prompt; its other prompts are
// filled up to it.
absl::StatusOr<size_t> ChunkCount(const Model& model,
                                  const RunRequest& request) {
  if (request.prompt_chunks == 1) return 1;
  size_t most = 1;
  for (const Texts& texts : {PromptOf(request), NegativeOf(request)}) {
    for (const auto& [encoder, text] : ReadersOf(model, texts)) {
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
EncodedPrompt EncodeChunks(const Model& model, const TextEncoder& encoder,
                           const std::vector<TokenChunk>& chunks, int skip) {
  EncodedPrompt encoded;
  std::vector<at::Tensor> contexts;
  for (const TokenChunk& chunk : chunks) {
    const at::Tensor ids = at::tensor(chunk.ids).unsqueeze(0);
    const ClipTextOutput output =
        (*encoder.clip)(ids.to(model.options.placement.device));
    contexts.push_back(
        Weighted(ContextOf(*encoder.clip, output, model.is_xl(), skip), chunk));
    if (!encoded.pooled.defined() && output.projected.defined()) {
      encoded.pooled = OnCpu(output.projected);
    }
  }
  encoded.context = at::cat(contexts, 0);
  return encoded;
}

// Joins the contexts of SDXL's encoders side by side. The pooled output comes
// from the encoder that has a projection.
absl::StatusOr<EncodedPrompt> EncodeTexts(const Model& model,
                                          const RunRequest& request,
                                          const Texts& texts, size_t count) {
  EncodedPrompt encoded;
  std::vector<at::Tensor> contexts;
  for (const auto& [encoder, text] : ReadersOf(model, texts)) {
    const int64_t layers = encoder->clip->config().layers;
    if (texts.skip < 0 || texts.skip >= layers) {
      return absl::InvalidArgumentError(
          absl::StrCat("clip_skip must be at least 0 and below ", layers));
    }
    SHEAF_ASSIGN_OR_RETURN(std::vector<TokenChunk> chunks,
                           ChunksOf(*encoder, text, request));
    chunks.resize(count, encoder->tokenizer.EmptyChunk());
    const EncodedPrompt part =
        EncodeChunks(model, *encoder, chunks, texts.skip);
    contexts.push_back(part.context);
    if (part.pooled.defined()) encoded.pooled = part.pooled;
  }
  if (contexts.empty()) {
    return absl::InvalidArgumentError(model.folder + ": no text_encoder");
  }
  encoded.context = at::cat(contexts, -1);
  if (model.is_xl() && !encoded.pooled.defined()) {
    return absl::InvalidArgumentError(model.folder +
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

absl::StatusOr<EncodedPrompt> EncodeOnce(const Model& model,
                                         const RunRequest& request,
                                         const Texts& texts) {
  SHEAF_ASSIGN_OR_RETURN(const size_t count, ChunkCount(model, request));
  const std::string key = KeyOf(request, texts, count);
  if (auto found = model.prompts->Find(key)) return *std::move(found);
  SHEAF_ASSIGN_OR_RETURN(EncodedPrompt encoded,
                         EncodeTexts(model, request, texts, count));
  model.prompts->Put(key, encoded);
  return encoded;
}

}  // namespace

absl::StatusOr<EncodedPrompt> EncodePrompt(const Model& model,
                                           const RunRequest& request) {
  return EncodeOnce(model, request, PromptOf(request));
}

absl::StatusOr<EncodedPrompt> EncodeNegative(const Model& model,
                                             const RunRequest& request) {
  SHEAF_ASSIGN_OR_RETURN(EncodedPrompt encoded,
                         EncodeOnce(model, request, NegativeOf(request)));
  Config::Reader reader(model.index.config);
  if (model.is_xl() && !request.negative_prompt &&
      reader.Bool("force_zeros_for_empty_prompt", true)) {
    encoded.context = at::zeros_like(encoded.context);
    encoded.pooled = at::zeros_like(encoded.pooled);
  }
  return encoded;
}

}  // namespace sheaf::engine
