// The pickle machine behind pickle.h: runs a pickle's opcodes on a stack of
// values. Its time grows with the length of its input alone; its memory stays
// below 500 MiB for any input (limits in pickle_machine.cc).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/weights/dtype.h"

namespace sheaf::engine {

// Values live in one heap and name each other by their place in it: a pickle
// may build cycles and very deep nests, and neither costs anything here.
using PickleRef = uint32_t;

// The only globals that a pickle may use.
enum class PickleGlobal {
  kOrderedDict,
  kRebuildTensor,
  kRebuildTensorWithType,
  kRebuildParameter,
  kSize,
  kStorage,
  kType,
};
struct PickleGlobalRef {
  PickleGlobal global;
  DType dtype;  // For kStorage and kType.
};

// None for any other global.
std::optional<PickleGlobalRef> PickleGlobalNamed(std::string_view module,
                                                 std::string_view name);

// A storage named by a persistent id: an entry of the archive. The key is a
// piece of the pickle.
struct PickleStorage {
  DType dtype = DType::kF32;
  std::string_view key;
};

struct PickleTensor {
  PickleStorage storage;
  int64_t offset = 0;  // In elements.
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
};

struct PickleNone {};
struct PickleMark {};
struct PickleList {  // A tuple, too.
  std::vector<PickleRef> items;
};
struct PickleDict {
  std::vector<std::pair<PickleRef, PickleRef>> items;
};

// One byte of a pickle can ask for one value, so a value is small: a text is a
// piece of the pickle, a tensor stands elsewhere.
using PickleValue =
    std::variant<PickleNone, PickleMark, bool, int64_t, double,
                 std::string_view, PickleList, PickleDict, PickleGlobalRef,
                 PickleStorage, std::unique_ptr<PickleTensor>>;
static_assert(sizeof(PickleValue) <= 32);

struct PickleHeap {
  std::vector<PickleValue> values;
  PickleRef root = 0;
};

// Returns the values that the pickle leaves behind at its STOP; they borrow
// `code`. INVALID_ARGUMENT names the opcode or the global that is not allowed,
// or the limit.
absl::StatusOr<PickleHeap> RunPickle(std::string_view code);

}  // namespace sheaf::engine
