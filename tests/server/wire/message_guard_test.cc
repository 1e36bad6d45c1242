#include "server/wire/message_guard.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <new>
#include <set>

#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "queue/error.h"
#include "server/wire/guarded_messages.h"
#include "sheaf/v1/admin_service.grpc.pb.h"

namespace sheaf::server {
namespace {

using google::protobuf::FileDescriptor;
using testing::IsEmpty;

constexpr int64_t kPlenty = int64_t{1} << 40;

absl::Status Weigh(const std::string& bytes, int64_t most = kPlenty) {
  google::protobuf::io::ArrayInputStream stream(
      bytes.data(), static_cast<int>(bytes.size()), 1000);
  return WeighMessage(&stream, v1::SubmitJobRequest::descriptor(), most);
}

// A job of so many runs, each of two bytes.
std::string Runs(int count) {
  v1::SubmitJobRequest request;
  request.mutable_job();
  for (int i = 0; i < count; ++i) request.mutable_job()->add_runs();
  return request.SerializeAsString();
}

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

// Reads the bytes as gRPC does.
v1::SubmitJobRequest Read(const std::string& bytes) {
  grpc::ByteBuffer buffer = BufferOf(bytes);
  v1::SubmitJobRequest request;
  EXPECT_TRUE(grpc::SerializationTraits<v1::SubmitJobRequest>::Deserialize(
                  &buffer, &request)
                  .ok());
  return request;
}

TEST(MessageGuardTest, OrdinaryRequestIsReadAsItIs) {
  v1::SubmitJobRequest request;
  request.set_request_id("once");
  v1::RunRequest* run = request.mutable_job()->add_runs();
  run->set_prompt("a fox");
  run->set_seed(7);
  (*run->mutable_weights())["depth"] = 0.5;
  const v1::SubmitJobRequest read = Read(request.SerializeAsString());
  EXPECT_EQ(read.SerializeAsString(), request.SerializeAsString());
  EXPECT_TRUE(MarkOf(read).ok());
}

TEST(MessageGuardTest, AsManyItemsAsTheRuleAllowsAreTaken) {
  EXPECT_TRUE(Weigh(Runs(100'000)).ok());
}

TEST(MessageGuardTest, ItemsBeyondTheRuleAreRefusedBeforeTheyAreParsed) {
  const absl::Status refused = Weigh(Runs(100'001));
  EXPECT_EQ(ReasonOf(refused), Reason::kInvalidField);
  ASSERT_EQ(ViolationsOf(refused).size(), 1u);
  EXPECT_EQ(ViolationsOf(refused)[0].field, "job.runs");
  const v1::SubmitJobRequest read = Read(Runs(2'000'000));
  EXPECT_FALSE(read.has_job());
  EXPECT_EQ(ViolationsOf(MarkOf(read)), ViolationsOf(refused));
}

TEST(MessageGuardTest, MemoryThatAMessageWouldTakeIsBounded) {
  v1::SubmitJobsRequest bulk;
  for (int i = 0; i < 500; ++i) bulk.add_requests()->mutable_job()->add_runs();
  const std::string bytes = bulk.SerializeAsString();
  const int64_t taken = v1::SubmitJobsRequest(bulk).SpaceUsedLong();
  for (const bool fits : {false, true}) {
    google::protobuf::io::ArrayInputStream stream(
        bytes.data(), static_cast<int>(bytes.size()));
    EXPECT_EQ(WeighMessage(&stream, bulk.GetDescriptor(),
                           fits ? 2 * taken : taken / 2)
                  .ok(),
              fits);
  }
}

TEST(MessageGuardTest, FieldsThatNobodyKnowsAreWeighedToo) {
  std::string bytes;
  // Field 1000 is an unknown number: its three bytes take 16 and more.
  for (int i = 0; i < 100'000; ++i) bytes += std::string("\xc0\x3e\x01", 3);
  EXPECT_FALSE(Weigh(bytes, 1 << 20).ok());
  EXPECT_TRUE(Weigh(bytes).ok());
}

TEST(MessageGuardTest, BytesThatAreNoMessageAreSaidToBeNone) {
  const std::string good = Runs(3);
  const std::string deep(100'000, '\x0b');  // groups in groups
  for (const std::string& bytes :
       {std::string("\xff\xff\xff\xff", 4), good.substr(0, good.size() - 1),
        std::string("\x12\xff\xff\xff\xff\xff\x7f", 7), deep,
        std::string("\x0a\x02\xff\xfe", 4) /* no UTF-8 */}) {
    EXPECT_EQ(ReasonOf(MarkOf(Read(bytes))), Reason::kMalformedMessage);
  }
}

// All types of the contract that a method takes.
std::set<std::string> RequestTypes() {
  std::set<std::string> types;
  const auto add = [&](const FileDescriptor* file) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        types.insert(file->service(s)->method(m)->input_type()->name());
      }
    }
  };
  for (const auto* any :
       {v1::SubmitJobRequest::descriptor(), v1::GetQueueRequest::descriptor(),
        v1::LeaseBatchRequest::descriptor(),
        v1::GetArtifactRequest::descriptor(),
        v1::AnalyzeQueueRequest::descriptor(),
        v1::BackupRequest::descriptor()}) {
    add(any->file());
  }
  return types;
}

TEST(MessageGuardTest, RequestsOfCallsThatWaitAreSmall) {
  v1::WatchEventsRequest request;
  for (int i = 0; i < 5000; ++i) {
    request.GetReflection()->MutableUnknownFields(&request)->AddVarint(999, i);
  }
  grpc::ByteBuffer buffer = BufferOf(request.SerializeAsString());
  v1::WatchEventsRequest read;
  EXPECT_TRUE(ReadGuarded(&buffer, &read).ok());
  EXPECT_EQ(ReasonOf(MarkOf(read)), Reason::kInvalidField);
  EXPECT_LT(read.ByteSizeLong(), 200u);
}

TEST(MessageGuardTest, EveryRequestIsGuarded) {
  std::set<std::string> missing = RequestTypes();
  EXPECT_GT(missing.size(), 40u);
#define SHEAF_NAME(Name) missing.erase(#Name);
  SHEAF_GUARDED_MESSAGES(SHEAF_NAME)
#undef SHEAF_NAME
  EXPECT_THAT(missing, IsEmpty());
}

// A service whose memory is gone.
class Exhausted final : public v1::AdminService::CallbackService {
  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext*,
                                          const v1::GetServerInfoRequest*,
                                          v1::ServerInfo*) override {
    throw std::bad_alloc();
  }
};

TEST(MessageGuardTest, HandlerWithoutMemoryIsOverloadedAndNotUnimplemented) {
  Exhausted service;
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  const auto stub = v1::AdminService::NewStub(server->InProcessChannel({}));
  grpc::ClientContext context;
  v1::ServerInfo info;
  const grpc::Status status =
      stub->GetServerInfo(&context, v1::GetServerInfoRequest(), &info);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "the server has no memory for the call");
}

}  // namespace
}  // namespace sheaf::server
