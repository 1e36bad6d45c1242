#include "server/wire/message_guard.h"

#include <grpcpp/support/proto_buffer_reader.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <new>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/unknown_field_set.h"
#include "google/protobuf/wire_format_lite.h"
#include "queue/error.h"
#include "server/wire/wire_status.h"
#include "sheaf/v1/job_service.pb.h"
#include "sheaf/v1/rules.pb.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::UnknownFieldSet;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// The largest field number there is; none of ours.
constexpr int kMark = 536'870'911;
constexpr uint32_t kLengthMax = std::numeric_limits<int>::max();
constexpr int kDepthMax = 100;  // as protobuf's own
// A pointer in a list that grows by doubling, and what malloc adds.
constexpr int64_t kItemBytes = 48;
constexpr int64_t kUnknownBytes = 96;
constexpr int64_t kEntryBytes = 160;  // of a map
// No message becomes large from so few bytes: an empty run is two, and 430 in
// memory. Weighing every message cost up to a seventh of the rates of
// queue_bench.
constexpr size_t kSmallMessage = 64 << 10;
constexpr size_t kWaitingMessageMax = 8 << 10;
// After a message larger than this, freed memory goes back to the system.
constexpr size_t kLargeMessage = 1 << 20;

std::atomic<int64_t> message_bytes_max = int64_t{8} << 20;

absl::Status NoMessage() {
  return Error(Reason::kMalformedMessage,
               "the bytes are not a message of this method");
}

absl::Status NoMemory() {
  return WithRetryAfter(
      Error(Reason::kOverloaded, "the server has no memory for the call"),
      absl::Seconds(2));
}

int64_t ParsedBytesMax() {
  return std::max(kParsedBytesMin, 8 * message_bytes_max.load());
}

// Bytes of memory that an empty message of that type takes.
int64_t BytesOf(const Descriptor* type) {
  if (type->options().map_entry()) return kEntryBytes;
  return MessageFactory::generated_factory()
      ->GetPrototype(type)
      ->SpaceUsedLong();
}

// One walk over the bytes of one message.
class WireWalk {
 public:
  WireWalk(CodedInputStream* in, int64_t bytes_max)
      : in_(*in), bytes_max_(bytes_max) {}

  // False where it ends early: status() says why.
  bool Message(const Descriptor* type) {
    if (path_.size() >= kDepthMax) return Malformed();
    if (!Take(SizeOf(type))) return false;
    std::map<int, uint64_t> counts;  // of the fields that have a rule
    while (const uint32_t tag = in_.ReadTag()) {
      const FieldDescriptor* field =
          type->FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
      if (field != nullptr && !Count(*field, &counts)) return false;
      if (!Field(tag, field)) return false;
    }
    return in_.ConsumedEntireMessage() || Malformed();
  }

  const absl::Status& status() const { return status_; }

 private:
  bool Malformed() {
    if (status_.ok()) {
      status_ = NoMessage();
    }
    return false;
  }

  bool Refuse(const std::string& field, const std::string& why) {
    status_ = InvalidArgument({{field, why}});
    return false;
  }

  bool Take(int64_t bytes) {
    taken_ += bytes;
    if (taken_ <= bytes_max_) return true;
    return Refuse(absl::StrJoin(path_, "."),
                  absl::StrCat("makes the request take more than ",
                               bytes_max_ >> 20, " MiB of memory"));
  }

  int64_t SizeOf(const Descriptor* type) {
    const auto [at, is_new] = sizes_.try_emplace(type);
    if (is_new) at->second = BytesOf(type) + kItemBytes;
    return at->second;
  }

  bool Count(const FieldDescriptor& field, std::map<int, uint64_t>* counts) {
    if (!field.is_repeated()) return true;
    const auto [at, is_new] = item_limits_.try_emplace(&field);
    if (is_new) {
      at->second = field.options().GetExtension(v1::rules).max_items();
    }
    if (at->second == 0 || ++(*counts)[field.number()] <= at->second) {
      return true;
    }
    path_.push_back(field.name());
    return Refuse(
        absl::StrJoin(path_, "."),
        absl::StrCat("has more than ", at->second, " entries; at most ",
                     at->second, " are allowed"));
  }

  bool Field(uint32_t tag, const FieldDescriptor* field) {
    const auto wire_type = WireFormatLite::GetTagWireType(tag);
    if (wire_type == WireFormatLite::WIRETYPE_START_GROUP) return Group(tag);
    if (wire_type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      return Take(field == nullptr ? kUnknownBytes : kItemBytes / 3) &&
             (WireFormatLite::SkipField(&in_, tag) || Malformed());
    }
    uint32_t length = 0;
    if (!in_.ReadVarint32(&length) || length > kLengthMax) return Malformed();
    if (field == nullptr) return Skip(length, kUnknownBytes + length);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return Inside(*field, length);
    }
    // Packed numbers take eight bytes each at the most, and one on the wire.
    const bool is_text = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    return Skip(length, is_text ? 2 * kItemBytes + length
                                : kItemBytes + int64_t{8} * length);
  }

  // No message of ours has a group, so a group is kept as an unknown field.
  bool Group(uint32_t tag) {
    const int start = in_.CurrentPosition();
    if (!WireFormatLite::SkipField(&in_, tag)) return Malformed();
    return Take(kUnknownBytes / 2 * (in_.CurrentPosition() - start));
  }

  bool Skip(uint32_t length, int64_t bytes) {
    return Take(bytes) && (in_.Skip(static_cast<int>(length)) || Malformed());
  }

  bool Inside(const FieldDescriptor& field, uint32_t length) {
    const auto limit = in_.PushLimit(static_cast<int>(length));
    path_.push_back(field.name());
    if (!Message(field.message_type())) return false;
    path_.pop_back();
    in_.PopLimit(limit);
    return true;
  }

  CodedInputStream& in_;
  const int64_t bytes_max_;
  int64_t taken_ = 0;
  std::vector<std::string> path_;
  std::map<const Descriptor*, int64_t> sizes_;
  std::map<const FieldDescriptor*, uint64_t> item_limits_;
  absl::Status status_;
};

// Writes a status of ours into the message as a mark of few words.
void Mark(const absl::Status& status, Message* message) {
  message->Clear();
  const bool malformed = ReasonOf(status) == Reason::kMalformedMessage;
  UnknownFieldSet* unknown =
      message->GetReflection()->MutableUnknownFields(message);
  const std::vector<Violation> violations = ViolationsOf(status);
  if (malformed || violations.empty()) {
    unknown->AddVarint(kMark, malformed ? 0 : 1);
    return;
  }
  unknown->AddLengthDelimited(kMark, violations.front().field);
  unknown->AddLengthDelimited(kMark, violations.front().description);
}

// Whether this is the request of a call that waits. Such requests are held as
// long as the call, with all their unknown fields; they usually take some
// hundred bytes.
bool Waits(const Message& message) {
  const Descriptor* type = message.GetDescriptor();
  return type == v1::WatchEventsRequest::descriptor() ||
         type == v1::WaitJobRequest::descriptor() ||
         type == v1::LeaseBatchRequest::descriptor();
}

absl::Status Read(grpc::ByteBuffer* buffer, Message* message) {
  if (buffer->Length() > kWaitingMessageMax && Waits(*message)) {
    return InvalidArgument({{"", absl::StrCat("the request takes more than ",
                                              kWaitingMessageMax, " bytes")}});
  }
  if (buffer->Length() > kSmallMessage) {
    grpc::ProtoBufferReader reader(buffer);
    const absl::Status weighed =
        WeighMessage(&reader, message->GetDescriptor(), ParsedBytesMax());
    if (!weighed.ok()) return weighed;
  }
  grpc::ProtoBufferReader reader(buffer);
  if (message->ParseFromZeroCopyStream(&reader) && reader.status().ok()) {
    return absl::OkStatus();
  }
  return NoMessage();
}

}  // namespace

absl::Status WeighMessage(google::protobuf::io::ZeroCopyInputStream* bytes,
                          const Descriptor* type, int64_t parsed_bytes_max) {
  CodedInputStream in(bytes);
  WireWalk walk(&in, parsed_bytes_max);
  walk.Message(type);
  return walk.status();
}

grpc::Status ReadGuarded(grpc::ByteBuffer* buffer, Message* message) {
  const size_t size = buffer->Length();
  absl::Status status;
  try {
    status = Read(buffer, message);
  } catch (const std::bad_alloc&) {
    status = NoMemory();
  }
  if (!status.ok()) Mark(status, message);
  buffer->Clear();
  if (size > kLargeMessage) malloc_trim(0);
  return grpc::Status::OK;
}

absl::Status MarkOf(const Message& message) {
  const UnknownFieldSet& unknown =
      message.GetReflection()->GetUnknownFields(message);
  if (unknown.empty() || unknown.field(0).number() != kMark) {
    return absl::OkStatus();
  }
  const auto& mark = unknown.field(0);
  if (mark.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED &&
      unknown.field_count() > 1 &&
      unknown.field(1).type() ==
          google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
    return InvalidArgument(
        {{mark.length_delimited(), unknown.field(1).length_delimited()}});
  }
  if (mark.type() == google::protobuf::UnknownField::TYPE_VARINT &&
      mark.varint() == 1) {
    return NoMemory();
  }
  return NoMessage();
}

grpc::Status HandlerHasThrown() { return ToGrpcStatus(NoMemory()); }

void SetMessageBytesMax(int64_t bytes) { message_bytes_max = bytes; }

}  // namespace sheaf::server
