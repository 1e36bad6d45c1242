// The globals that a pickle of weights may name.
#include "inference/engine/weights/pickle_machine.h"

namespace sheaf::engine {
namespace {

struct NamedGlobal {
  std::string_view module;
  std::string_view name;
  PickleGlobalRef global;
};

constexpr NamedGlobal kGlobals[] = {
    {"collections", "OrderedDict", {PickleGlobal::kOrderedDict, DType::kU8}},
    {"torch._utils",
     "_rebuild_tensor_v2",
     {PickleGlobal::kRebuildTensor, DType::kU8}},
    {"torch._utils",
     "_rebuild_tensor_v3",
     {PickleGlobal::kRebuildTensorWithType, DType::kU8}},
    {"torch._utils",
     "_rebuild_parameter",
     {PickleGlobal::kRebuildParameter, DType::kU8}},
    {"torch", "Size", {PickleGlobal::kSize, DType::kU8}},
    {"torch", "FloatStorage", {PickleGlobal::kStorage, DType::kF32}},
    {"torch", "HalfStorage", {PickleGlobal::kStorage, DType::kF16}},
    {"torch", "BFloat16Storage", {PickleGlobal::kStorage, DType::kBF16}},
    {"torch", "DoubleStorage", {PickleGlobal::kStorage, DType::kF64}},
    {"torch", "LongStorage", {PickleGlobal::kStorage, DType::kI64}},
    {"torch", "IntStorage", {PickleGlobal::kStorage, DType::kI32}},
    {"torch", "ShortStorage", {PickleGlobal::kStorage, DType::kI16}},
    {"torch", "CharStorage", {PickleGlobal::kStorage, DType::kI8}},
    {"torch", "ByteStorage", {PickleGlobal::kStorage, DType::kU8}},
    {"torch", "BoolStorage", {PickleGlobal::kStorage, DType::kBool}},
    {"torch.storage", "UntypedStorage", {PickleGlobal::kStorage, DType::kU8}},
    {"torch", "float32", {PickleGlobal::kType, DType::kF32}},
    {"torch", "float16", {PickleGlobal::kType, DType::kF16}},
    {"torch", "bfloat16", {PickleGlobal::kType, DType::kBF16}},
    {"torch", "float64", {PickleGlobal::kType, DType::kF64}},
    {"torch", "int64", {PickleGlobal::kType, DType::kI64}},
    {"torch", "int32", {PickleGlobal::kType, DType::kI32}},
    {"torch", "int16", {PickleGlobal::kType, DType::kI16}},
    {"torch", "int8", {PickleGlobal::kType, DType::kI8}},
    {"torch", "uint8", {PickleGlobal::kType, DType::kU8}},
    {"torch", "bool", {PickleGlobal::kType, DType::kBool}},
    {"torch", "float8_e4m3fn", {PickleGlobal::kType, DType::kF8E4M3}},
    {"torch", "float8_e5m2", {PickleGlobal::kType, DType::kF8E5M2}},
};

}  // namespace

std::optional<PickleGlobalRef> PickleGlobalNamed(std::string_view module,
                                                 std::string_view name) {
  for (const NamedGlobal& known : kGlobals) {
    if (known.module == module && known.name == name) return known.global;
  }
  return std::nullopt;
}

}  // namespace sheaf::engine
