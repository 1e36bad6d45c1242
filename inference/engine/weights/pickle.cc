#include "inference/engine/weights/pickle.h"

#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/weights/pickle_machine.h"
#include "inference/engine/weights/zip.h"

namespace sheaf::engine {
namespace {

constexpr int kDepthMax = 4;
constexpr size_t kNamedTensorsMax = 100'000;
// Most entries to look at, useful or not: dictionaries may be named more than
// once, and those of optimizers have entries that are of no use.
constexpr size_t kEntriesVisitedMax = 1'000'000;
constexpr size_t kNameBytesMax = 1024;

absl::Status Bad(std::string_view key, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(key.substr(0, 256)), ": ", ToAbsl(what)));
}

using Entries = std::map<std::string, std::string_view>;

// The top folder: "archive/" for the entry "archive/data.pkl".
absl::StatusOr<std::string> TopFolder(const Entries& entries) {
  constexpr std::string_view kPickle = "/data.pkl";
  std::optional<std::string> top;
  for (const auto& [name, bytes] : entries) {
    const size_t slash = name.find('/');
    if (slash == name.npos || name.substr(slash) != kPickle) continue;
    if (top.has_value()) {
      return absl::InvalidArgumentError("more than one data.pkl");
    }
    top = name.substr(0, slash + 1);
  }
  if (!top.has_value()) {
    return absl::InvalidArgumentError("no data.pkl: not a file of torch.save");
  }
  return *top;
}

// Row-major, where dimensions of one element may have any stride.
bool IsContiguous(const PickleTensor& tensor) {
  int64_t expected = 1;
  for (size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected) return false;
    expected *= tensor.shape[i];
  }
  return true;
}

// The place of the last element, or none where a stride is negative.
std::optional<__int128> LastElement(const PickleTensor& tensor) {
  __int128 last = tensor.offset;
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    if (tensor.strides[i] < 0) return std::nullopt;
    // Shapes are at most 2^48 and strides 2^63: 16 products fit 128 bits.
    last += static_cast<__int128>(tensor.shape[i] - 1) * tensor.strides[i];
  }
  return last;
}

// The elements in row-major order.
std::vector<std::byte> Gather(const PickleTensor& tensor, const char* storage,
                              size_t count) {
  const size_t size = SizeOf(tensor.storage.dtype);
  std::vector<std::byte> bytes(count * size);
  std::vector<int64_t> index(tensor.shape.size(), 0);
  int64_t from = tensor.offset;
  for (size_t n = 0; n < count; ++n) {
    std::memcpy(bytes.data() + n * size, storage + from * size, size);
    for (size_t i = index.size(); i-- > 0;) {
      // A dimension of one may have any stride, however absurd.
      if (tensor.shape[i] == 1) continue;
      from += tensor.strides[i];
      if (++index[i] < tensor.shape[i]) break;
      from -= tensor.strides[i] * tensor.shape[i];
      index[i] = 0;
    }
  }
  return bytes;
}

class StateReader {
 public:
  StateReader(const Entries& entries, std::string top, const PickleHeap& heap,
              std::shared_ptr<MappedFile> file, size_t file_bytes)
      : entries_(entries),
        top_(std::move(top)),
        heap_(heap),
        file_(std::move(file)),
        copied_max_(2 * file_bytes) {}

  absl::StatusOr<TensorMap> Read() {
    const PickleDict* root = std::get_if<PickleDict>(&heap_.values[heap_.root]);
    if (root == nullptr) {
      return absl::InvalidArgumentError("holds no dictionary");
    }
    for (const char* wrapper : {"state_dict", "module"}) {
      if (const PickleDict* inner = Member(*root, wrapper)) root = inner;
    }
    SHEAF_RETURN_IF_ERROR(Add("", *root, 0));
    return std::move(tensors_);
  }

 private:
  const PickleDict* Member(const PickleDict& dict, std::string_view name) {
    for (const auto& [key, value] : dict.items) {
      const auto* text = std::get_if<std::string_view>(&heap_.values[key]);
      if (text != nullptr && *text == name) {
        return std::get_if<PickleDict>(&heap_.values[value]);
      }
    }
    return nullptr;
  }

  // Adds the tensors of `dict`, and those of dictionaries inside it.
  absl::Status Add(const std::string& prefix, const PickleDict& dict,
                   int depth) {
    if (depth > kDepthMax) return Bad(prefix, "nested too deeply");
    for (const auto& [key, value] : dict.items) {
      if (++visited_ > kEntriesVisitedMax)
        return Bad(prefix, "too many entries");
      const auto* text = std::get_if<std::string_view>(&heap_.values[key]);
      if (text == nullptr) continue;  // Such as an optimizer's numbered slots.
      if (prefix.size() + text->size() > kNameBytesMax) {
        return Bad(*text, "the name is too long");
      }
      const std::string name = absl::StrCat(prefix, ToAbsl(*text));
      if (++named_ > kNamedTensorsMax) return Bad(name, "too many entries");
      const PickleValue& item = heap_.values[value];
      if (const auto* inner = std::get_if<PickleDict>(&item)) {
        SHEAF_RETURN_IF_ERROR(Add(name + ".", *inner, depth + 1));
      } else if (const auto* tensor =
                     std::get_if<std::unique_ptr<PickleTensor>>(&item)) {
        SHEAF_ASSIGN_OR_RETURN(Tensor built, Build(name, **tensor));
        if (!tensors_.emplace(name, std::move(built)).second) {
          return Bad(name, "stands twice");
        }
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Tensor> Build(const std::string& name,
                               const PickleTensor& tensor) {
    const auto entry =
        entries_.find(absl::StrCat(top_, "data/", ToAbsl(tensor.storage.key)));
    if (entry == entries_.end()) return Bad(name, "its storage is missing");
    const size_t size = SizeOf(tensor.storage.dtype);
    const size_t stored = entry->second.size() / size;
    const int64_t count = CheckedElementCount(tensor.shape);
    if (count < 0) return Bad(name, "the shape is too large");
    if (tensor.shape.size() != tensor.strides.size() || tensor.offset < 0) {
      return Bad(name, "the shape and the strides disagree");
    }
    if (count > 0) {
      const std::optional<__int128> last = LastElement(tensor);
      if (!last.has_value() || *last >= static_cast<__int128>(stored)) {
        return Bad(name, "reaches outside its storage");
      }
    }
    if (count == 0) return MakeTensor(tensor.storage.dtype, tensor.shape, {});
    const char* storage = entry->second.data();
    if (!IsContiguous(tensor) || file_ == nullptr) {
      // An expanded tensor claims more memory than its file has.
      if (static_cast<size_t>(count) > stored) {
        return Bad(name, "is larger than its storage");
      }
      copied_ += static_cast<size_t>(count) * size;
      if (copied_ > copied_max_) return Bad(name, "too much to copy");
      return MakeTensor(tensor.storage.dtype, tensor.shape,
                        Gather(tensor, storage, static_cast<size_t>(count)));
    }
    Tensor view;
    view.dtype = tensor.storage.dtype;
    view.shape = tensor.shape;
    view.data = file_->data() +
                (storage - reinterpret_cast<const char*>(file_->data())) +
                tensor.offset * static_cast<int64_t>(size);
    view.file = file_;
    return view;
  }

  const Entries& entries_;
  const std::string top_;
  const PickleHeap& heap_;
  const std::shared_ptr<MappedFile> file_;
  TensorMap tensors_;
  size_t visited_ = 0;
  size_t named_ = 0;
  // Many names may share one storage; their copies do not.
  size_t copied_ = 0;
  const size_t copied_max_;
};

absl::StatusOr<TensorMap> Parse(std::string_view bytes,
                                std::shared_ptr<MappedFile> file) {
  SHEAF_ASSIGN_OR_RETURN(const Entries entries, ReadStoredZip(bytes));
  SHEAF_ASSIGN_OR_RETURN(const std::string top, TopFolder(entries));
  const auto order = entries.find(top + "byteorder");
  if (order != entries.end() && order->second != "little") {
    return absl::InvalidArgumentError("written in another byte order");
  }
  SHEAF_ASSIGN_OR_RETURN(const PickleHeap heap,
                         RunPickle(entries.at(top + "data.pkl")));
  return StateReader(entries, top, heap, std::move(file), bytes.size()).Read();
}

}  // namespace

absl::StatusOr<TensorMap> ReadPickle(const std::string& path,
                                     MappedFile::Mode mode) {
  SHEAF_ASSIGN_OR_RETURN(const std::shared_ptr<MappedFile> file,
                         MappedFile::Open(path, mode));
  absl::StatusOr<TensorMap> tensors =
      Parse(std::string_view(reinterpret_cast<const char*>(file->data()),
                             file->size()),
            file);
  SHEAF_RETURN_IF_ERROR(file->Check());
  if (tensors.ok()) return tensors;
  return absl::Status(tensors.status().code(),
                      absl::StrCat(path, ": ", tensors.status().message()));
}

absl::StatusOr<TensorMap> ParsePickle(std::string_view file) {
  return Parse(file, nullptr);
}

}  // namespace sheaf::engine
