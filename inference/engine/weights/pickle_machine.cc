#include "inference/engine/weights/pickle_machine.h"

#include <bit>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/utf8.h"

namespace sheaf::engine {
namespace {

constexpr size_t kDimensionsMax = 16;
constexpr size_t kStorageKeyBytesMax = 256;
// A state dictionary of 100,000 tensors takes 2.5 million values, one million
// of them kept for later, and 30 MiB of pickle. Known files take a hundredth.
constexpr size_t kCodeBytesMax = size_t{64} << 20;
constexpr size_t kValuesMax = size_t{4} << 20;
constexpr size_t kKeptMax = size_t{2} << 20;
constexpr size_t kStackMax = size_t{4} << 20;
constexpr size_t kTensorsMax = 100'000;

absl::Status Bad(std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("pickle: ", ToAbsl(what)));
}

class Machine {
 public:
  explicit Machine(std::string_view code) : code_(code) {}

  absl::StatusOr<PickleHeap> Run() {
    if (code_.size() > kCodeBytesMax) return Bad("the pickle is too long");
    while (true) {
      if (code_.empty()) return Bad("ends without STOP");
      const auto opcode = static_cast<uint8_t>(code_[0]);
      code_.remove_prefix(1);
      if (opcode == '.') break;
      SHEAF_RETURN_IF_ERROR(Step(opcode));
    }
    SHEAF_ASSIGN_OR_RETURN(heap_.root, Pop());
    return std::move(heap_);
  }

 private:
  absl::Status Step(uint8_t opcode);
  absl::Status Constant(uint8_t opcode);
  absl::Status Collect(uint8_t opcode);
  absl::Status Memo(uint8_t opcode);

  // The code's next bytes.
  absl::StatusOr<std::string_view> Take(uint64_t count) {
    if (count > code_.size()) return Bad("ends inside an opcode");
    const std::string_view taken = code_.substr(0, count);
    code_.remove_prefix(count);
    return taken;
  }
  absl::StatusOr<uint64_t> TakeNumber(int bytes) {
    SHEAF_ASSIGN_OR_RETURN(const std::string_view text, Take(bytes));
    uint64_t number = 0;
    for (int i = bytes - 1; i >= 0; --i) {
      number = number << 8 | static_cast<uint8_t>(text[i]);
    }
    return number;
  }
  absl::StatusOr<std::string_view> TakeLine() {
    const size_t end = code_.find('\n');
    if (end == code_.npos) return Bad("a line without an end");
    const std::string_view line = code_.substr(0, end);
    code_.remove_prefix(end + 1);
    return line;
  }

  absl::Status Push(PickleValue value) {
    if (heap_.values.size() == kValuesMax) return Bad("too many values");
    heap_.values.push_back(std::move(value));
    return PushRef(static_cast<PickleRef>(heap_.values.size() - 1));
  }
  absl::Status PushRef(PickleRef ref) {
    if (stack_.size() == kStackMax) return Bad("too many values");
    stack_.push_back(ref);
    return absl::OkStatus();
  }
  absl::StatusOr<PickleRef> Pop() {
    if (stack_.empty()) return Bad("takes from an empty stack");
    const PickleRef top = stack_.back();
    stack_.pop_back();
    if (std::holds_alternative<PickleMark>(heap_.values[top])) {
      return Bad("takes a mark for a value");
    }
    return top;
  }
  // Everything above the last mark, which goes too.
  absl::StatusOr<std::vector<PickleRef>> PopToMark() {
    size_t at = stack_.size();
    while (at > 0 &&
           !std::holds_alternative<PickleMark>(heap_.values[stack_[at - 1]])) {
      --at;
    }
    if (at == 0) return Bad("has no mark");
    std::vector<PickleRef> items(stack_.begin() + at, stack_.end());
    stack_.resize(at - 1);
    return items;
  }
  template <typename T>
  T* Top() {
    return stack_.empty() ? nullptr
                          : std::get_if<T>(&heap_.values[stack_.back()]);
  }
  template <typename T>
  const T* At(PickleRef ref) const {
    return std::get_if<T>(&heap_.values[ref]);
  }

  absl::Status PushTuple(size_t count);
  absl::Status PushText(uint64_t length);
  absl::Status PushLong();
  absl::Status SetItems(const std::vector<PickleRef>& items);
  absl::Status PushGlobal(std::string_view module, std::string_view name);
  absl::Status PushStorage();
  absl::Status Reduce();
  absl::StatusOr<std::vector<int64_t>> Integers(PickleRef ref) const;
  absl::StatusOr<PickleTensor> Tensor(const std::vector<PickleRef>& arguments,
                                      bool has_type) const;

  std::string_view code_;
  PickleHeap heap_;
  std::vector<PickleRef> stack_;
  std::unordered_map<uint64_t, PickleRef> memo_;
  size_t tensors_ = 0;
};

absl::Status Machine::PushTuple(size_t count) {
  PickleList tuple;
  tuple.items.resize(count);
  for (size_t i = count; i-- > 0;) {
    SHEAF_ASSIGN_OR_RETURN(tuple.items[i], Pop());
  }
  return Push(std::move(tuple));
}

absl::Status Machine::PushText(uint64_t length) {
  SHEAF_ASSIGN_OR_RETURN(const std::string_view text, Take(length));
  if (!IsValidUtf8(text)) return Bad("a text is not valid UTF-8");
  return Push(text);
}

absl::Status Machine::PushLong() {
  SHEAF_ASSIGN_OR_RETURN(const uint64_t bytes, TakeNumber(1));
  if (bytes > 8) return Bad("a number of more than 64 bits");
  SHEAF_ASSIGN_OR_RETURN(uint64_t number, TakeNumber(static_cast<int>(bytes)));
  const bool negative =
      bytes > 0 && bytes < 8 && (number >> (8 * bytes - 1) & 1);
  if (negative) number |= ~uint64_t{0} << (8 * bytes);
  return Push(static_cast<int64_t>(number));
}

absl::Status Machine::SetItems(const std::vector<PickleRef>& items) {
  PickleDict* dict = Top<PickleDict>();
  if (dict == nullptr) return Bad("sets an item of what is no dictionary");
  if (items.size() % 2 != 0) return Bad("sets a key without a value");
  for (size_t i = 0; i < items.size(); i += 2) {
    dict->items.emplace_back(items[i], items[i + 1]);
  }
  return absl::OkStatus();
}

absl::Status Machine::PushGlobal(std::string_view module,
                                 std::string_view name) {
  const std::optional<PickleGlobalRef> known = PickleGlobalNamed(module, name);
  if (known.has_value()) return Push(*known);
  return Bad(absl::StrCat("the global ", ToAbsl(module.substr(0, 128)), ".",
                          ToAbsl(name.substr(0, 128)), " is not allowed"));
}

// ("storage", type, key, location, element count)
absl::Status Machine::PushStorage() {
  SHEAF_ASSIGN_OR_RETURN(const PickleRef id, Pop());
  const PickleList* tuple = At<PickleList>(id);
  if (tuple == nullptr || tuple->items.size() != 5) {
    return Bad("a persistent id that is no storage");
  }
  const std::string_view* kind = At<std::string_view>(tuple->items[0]);
  const PickleGlobalRef* type = At<PickleGlobalRef>(tuple->items[1]);
  const std::string_view* key = At<std::string_view>(tuple->items[2]);
  if (kind == nullptr || *kind != "storage" || type == nullptr ||
      type->global != PickleGlobal::kStorage || key == nullptr ||
      key->size() > kStorageKeyBytesMax) {
    return Bad("a persistent id that is no storage");
  }
  return Push(PickleStorage{type->dtype, *key});
}

absl::StatusOr<std::vector<int64_t>> Machine::Integers(PickleRef ref) const {
  const PickleList* list = At<PickleList>(ref);
  if (list == nullptr || list->items.size() > kDimensionsMax) {
    return Bad("a shape that is no short tuple");
  }
  std::vector<int64_t> integers;
  for (const PickleRef item : list->items) {
    const int64_t* integer = At<int64_t>(item);
    if (integer == nullptr) return Bad("a shape that is not of whole numbers");
    integers.push_back(*integer);
  }
  return integers;
}

// (storage, offset, shape, strides, requires_grad, hooks[, type])
absl::StatusOr<PickleTensor> Machine::Tensor(
    const std::vector<PickleRef>& arguments, bool has_type) const {
  if (arguments.size() < (has_type ? 7 : 6)) {
    return Bad("a tensor of too few arguments");
  }
  const PickleStorage* storage = At<PickleStorage>(arguments[0]);
  const int64_t* offset = At<int64_t>(arguments[1]);
  if (storage == nullptr || offset == nullptr) {
    return Bad("a tensor without a storage");
  }
  PickleTensor tensor;
  tensor.storage = *storage;
  tensor.offset = *offset;
  SHEAF_ASSIGN_OR_RETURN(tensor.shape, Integers(arguments[2]));
  SHEAF_ASSIGN_OR_RETURN(tensor.strides, Integers(arguments[3]));
  if (has_type) {
    const PickleGlobalRef* type = At<PickleGlobalRef>(arguments[6]);
    if (type == nullptr || type->global != PickleGlobal::kType) {
      return Bad("a tensor of no known type");
    }
    tensor.storage.dtype = type->dtype;
  }
  return tensor;
}

absl::Status Machine::Reduce() {
  SHEAF_ASSIGN_OR_RETURN(const PickleRef tuple, Pop());
  SHEAF_ASSIGN_OR_RETURN(const PickleRef callable, Pop());
  const PickleGlobalRef* global = At<PickleGlobalRef>(callable);
  const PickleList* list = At<PickleList>(tuple);
  if (global == nullptr || list == nullptr) return Bad("calls a value");
  const std::vector<PickleRef>& arguments = list->items;
  switch (global->global) {
    case PickleGlobal::kOrderedDict:
      if (!arguments.empty()) return Bad("OrderedDict with arguments");
      return Push(PickleDict());
    case PickleGlobal::kRebuildTensor:
    case PickleGlobal::kRebuildTensorWithType: {
      const bool has_type =
          global->global == PickleGlobal::kRebuildTensorWithType;
      if (++tensors_ > kTensorsMax) return Bad("too many tensors");
      SHEAF_ASSIGN_OR_RETURN(PickleTensor tensor, Tensor(arguments, has_type));
      return Push(std::make_unique<PickleTensor>(std::move(tensor)));
    }
    case PickleGlobal::kRebuildParameter:
    case PickleGlobal::kSize:
      if (arguments.empty()) return Bad("a call without arguments");
      return PushRef(arguments[0]);
    case PickleGlobal::kStorage:
    case PickleGlobal::kType:
      break;
  }
  return Bad("calls a type");
}

absl::Status Machine::Constant(uint8_t opcode) {
  switch (opcode) {
    case 'N':
      return Push(PickleNone());
    case 0x88:
      return Push(true);
    case 0x89:
      return Push(false);
    case 'J': {
      SHEAF_ASSIGN_OR_RETURN(const uint64_t number, TakeNumber(4));
      return Push(int64_t{static_cast<int32_t>(number)});
    }
    case 'K': {
      SHEAF_ASSIGN_OR_RETURN(const uint64_t number, TakeNumber(1));
      return Push(static_cast<int64_t>(number));
    }
    case 'M': {
      SHEAF_ASSIGN_OR_RETURN(const uint64_t number, TakeNumber(2));
      return Push(static_cast<int64_t>(number));
    }
    case 0x8A:
      return PushLong();
    case 'G': {  // A double, big-endian.
      SHEAF_ASSIGN_OR_RETURN(const uint64_t number, TakeNumber(8));
      return Push(std::bit_cast<double>(__builtin_bswap64(number)));
    }
    case 'X': {
      SHEAF_ASSIGN_OR_RETURN(const uint64_t length, TakeNumber(4));
      return PushText(length);
    }
    default: {  // 0x8C, a short text.
      SHEAF_ASSIGN_OR_RETURN(const uint64_t length, TakeNumber(1));
      return PushText(length);
    }
  }
}

absl::Status Machine::Collect(uint8_t opcode) {
  switch (opcode) {
    case '}':
      return Push(PickleDict());
    case ']':
    case ')':
      return Push(PickleList());
    case 0x85:
      return PushTuple(1);
    case 0x86:
      return PushTuple(2);
    case 0x87:
      return PushTuple(3);
    case 'a': {
      SHEAF_ASSIGN_OR_RETURN(const PickleRef item, Pop());
      PickleList* list = Top<PickleList>();
      if (list == nullptr) return Bad("appends to what is no list");
      list->items.push_back(item);
      return absl::OkStatus();
    }
    case 's': {
      SHEAF_ASSIGN_OR_RETURN(const PickleRef value, Pop());
      SHEAF_ASSIGN_OR_RETURN(const PickleRef key, Pop());
      return SetItems({key, value});
    }
    default:
      break;
  }
  SHEAF_ASSIGN_OR_RETURN(std::vector<PickleRef> items, PopToMark());
  if (opcode == 'u') return SetItems(items);
  if (opcode == 'e') {
    PickleList* list = Top<PickleList>();
    if (list == nullptr) return Bad("appends to what is no list");
    list->items.insert(list->items.end(), items.begin(), items.end());
    return absl::OkStatus();
  }
  if (opcode != 'd') return Push(PickleList{std::move(items)});  // 't', 'l'
  SHEAF_RETURN_IF_ERROR(Push(PickleDict()));
  return SetItems(items);
}

absl::Status Machine::Memo(uint8_t opcode) {
  uint64_t index = memo_.size();
  if (opcode != 0x94) {
    const bool is_long = opcode == 'r' || opcode == 'j';
    SHEAF_ASSIGN_OR_RETURN(index, TakeNumber(is_long ? 4 : 1));
  }
  if (opcode == 'h' || opcode == 'j') {
    const auto found = memo_.find(index);
    if (found == memo_.end()) return Bad("recalls what it never kept");
    return PushRef(found->second);
  }
  if (stack_.empty()) return Bad("keeps nothing");
  if (memo_.size() == kKeptMax) return Bad("keeps too many values");
  memo_[index] = stack_.back();
  return absl::OkStatus();
}

absl::Status Machine::Step(uint8_t opcode) {
  switch (opcode) {
    case 0x80:  // PROTO
      return Take(1).status();
    case 0x95:  // FRAME
      return Take(8).status();
    case '(':
      return Push(PickleMark());
    case '0':
      return Pop().status();
    case 'N':
    case 0x88:
    case 0x89:
    case 'J':
    case 'K':
    case 'M':
    case 0x8A:
    case 'G':
    case 'X':
    case 0x8C:
      return Constant(opcode);
    case '}':
    case ']':
    case ')':
    case 0x85:
    case 0x86:
    case 0x87:
    case 'a':
    case 's':
    case 'u':
    case 'e':
    case 'd':
    case 't':
    case 'l':
      return Collect(opcode);
    case 'q':
    case 'r':
    case 'h':
    case 'j':
    case 0x94:
      return Memo(opcode);
    case 'c': {
      SHEAF_ASSIGN_OR_RETURN(const std::string_view module, TakeLine());
      SHEAF_ASSIGN_OR_RETURN(const std::string_view name, TakeLine());
      return PushGlobal(module, name);
    }
    case 0x93: {
      SHEAF_ASSIGN_OR_RETURN(const PickleRef name, Pop());
      SHEAF_ASSIGN_OR_RETURN(const PickleRef module, Pop());
      const std::string_view* name_text = At<std::string_view>(name);
      const std::string_view* module_text = At<std::string_view>(module);
      if (name_text == nullptr || module_text == nullptr) {
        return Bad("a global without a name");
      }
      return PushGlobal(*module_text, *name_text);
    }
    case 'Q':
      return PushStorage();
    case 'R':
      return Reduce();
    case 'b':  // BUILD: attributes, such as a state dictionary's _metadata.
      SHEAF_RETURN_IF_ERROR(Pop().status());
      if (Top<PickleDict>() == nullptr) {
        return Bad("gives attributes to what is no dictionary");
      }
      return absl::OkStatus();
    default:
      return Bad(absl::StrCat("opcode ", absl::Hex(opcode, absl::kZeroPad2),
                              " is not allowed"));
  }
}

}  // namespace

absl::StatusOr<PickleHeap> RunPickle(std::string_view code) {
  return Machine(code).Run();
}

}  // namespace sheaf::engine
