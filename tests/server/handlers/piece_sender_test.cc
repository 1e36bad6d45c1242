#include "server/handlers/piece_sender.h"

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/blobs/artifact_budget.h"
#include "sheaf/v1/artifact_service.grpc.pb.h"
#include "tests/base/temp_folder.h"
#include "tests/queue/memory_store.h"
#include "tests/server/handlers/reasons.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Piece = v1::DownloadArtifactResponse;

// The facts of a stream that a test sees: how many pieces were made, and its
// end.
struct Seen {
  std::atomic<int> made = 0;
  absl::Notification gone;
};

// Sends the numbers from 1 to `count`.
class NumberSender final : public PieceSender<Piece> {
 public:
  NumberSender(ArtifactLibrary* files, grpc::CallbackServerContext* context,
               int count, Seen* seen)
      : PieceSender(files, context), count_(count), seen_(*seen) {}
  ~NumberSender() override { seen_.gone.Notify(); }

  void Start(const absl::Status& admitted, StreamSlots* slots) {
    if (Enter(admitted, slots)) Send();
  }

 private:
  absl::StatusOr<bool> Next(Piece* out) override {
    if (seen_.made == count_) return false;
    out->set_data(std::to_string(++seen_.made));
    return true;
  }

  const int count_;
  Seen& seen_;
};

// The client of a stream, which it leaves in the end.
class Client {
 public:
  explicit Client(v1::ArtifactService::Stub* stub)
      : reader_(
            stub->DownloadArtifact(&context_, v1::DownloadArtifactRequest())) {}
  ~Client() {
    Leave();
    if (!ended_) TakeRest();
  }

  // The next piece; "the end" where there is none.
  std::string Take() {
    Piece piece;
    return reader_->Read(&piece) ? piece.data() : "the end";
  }
  // All further pieces; the status follows.
  std::vector<std::string> TakeRest() {
    std::vector<std::string> rest;
    for (std::string piece = Take(); piece != "the end"; piece = Take()) {
      rest.push_back(std::move(piece));
    }
    status_ = reader_->Finish();
    ended_ = true;
    return rest;
  }
  void Leave() { context_.TryCancel(); }

  const grpc::Status& status() const { return status_; }

 private:
  grpc::ClientContext context_;
  const std::unique_ptr<grpc::ClientReader<Piece>> reader_;
  bool ended_ = false;
  grpc::Status status_;
};

class PieceSenderTest : public ::testing::Test {
 protected:
  PieceSenderTest() {
    files_ = ArtifactLibrary::Open(ArtifactStore::Open(directory_, {}).value(),
                                   &store_, &budget_)
                 .value();
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = v1::ArtifactService::NewStub(server_->InProcessChannel({}));
  }
  ~PieceSenderTest() override {
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
    files_.reset();
  }

  std::unique_ptr<Client> Open() { return std::make_unique<Client>(&*stub_); }
  // Whether the server has let go of the stream, within ten seconds.
  bool IsGone(int stream) {
    return seen_.at(stream).gone.WaitForNotificationWithTimeout(
        absl::Seconds(10));
  }

  struct Service final : public v1::ArtifactService::CallbackService {
    explicit Service(PieceSenderTest* test) : test(*test) {}
    grpc::ServerWriteReactor<Piece>* DownloadArtifact(
        grpc::CallbackServerContext* context,
        const v1::DownloadArtifactRequest*) override {
      const auto sender = std::make_shared<NumberSender>(
          test.files_.get(), context, test.count_,
          &test.seen_.at(test.streams_++));
      sender->Start(test.admitted_, &test.slots_);
      return sender.get();
    }
    PieceSenderTest& test;
  };

  const TempFolder temp_;
  const std::string directory_ = temp_.path();
  TestClock clock_;
  MemoryStore store_{&clock_};
  ArtifactBudget budget_{0, [] { return DiskSpace(); }};
  std::unique_ptr<ArtifactLibrary> files_;
  std::atomic<int64_t> seconds_ = 1000;  // of the clock of the streams
  StreamSlots slots_{{.what = "downloads", .count_max = 1},
                     [this] { return absl::Seconds(seconds_.load()); }};
  int count_ = 5;
  absl::Status admitted_;
  std::array<Seen, 2> seen_;
  std::atomic<int> streams_ = 0;
  Service service_{this};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::ArtifactService::Stub> stub_;
};

TEST_F(PieceSenderTest, AllPiecesAreSentInTheirOrder) {
  const auto client = Open();
  EXPECT_THAT(client->TakeRest(), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_TRUE(client->status().ok()) << client->status().error_message();
  EXPECT_TRUE(IsGone(0));
  EXPECT_EQ(slots_.taken(), 0);
}

TEST_F(PieceSenderTest, APieceIsMadeOnlyAfterTheOneBeforeWasTaken) {
  count_ = 50;
  const auto client = Open();
  for (int taken = 1; taken <= 50; ++taken) {
    ASSERT_EQ(client->Take(), std::to_string(taken));
    EXPECT_LE(seen_[0].made, taken + 1);
  }
}

TEST_F(PieceSenderTest, ARefusedStreamSendsNothingAndTakesNoPlace) {
  admitted_ = Error(Reason::kInvalidField, "name: must look like artifacts/");
  const auto client = Open();
  EXPECT_THAT(client->TakeRest(), IsEmpty());
  EXPECT_EQ(ReasonOf(client->status()), "INVALID_FIELD");
  EXPECT_TRUE(IsGone(0));
  EXPECT_EQ(seen_[0].made, 0);
}

TEST_F(PieceSenderTest, AStreamWithoutAPlaceIsRefused) {
  const auto first = Open();
  ASSERT_EQ(first->Take(), "1");
  const auto second = Open();
  EXPECT_THAT(second->TakeRest(), IsEmpty());
  EXPECT_EQ(ReasonOf(second->status()), "OVERLOADED");
  EXPECT_THAT(first->TakeRest(), ElementsAre("2", "3", "4", "5"));
}

TEST_F(PieceSenderTest, AStreamWhoseCallerLeavesGivesItsPlaceBack) {
  const auto client = Open();
  ASSERT_EQ(client->Take(), "1");
  client->Leave();
  ASSERT_TRUE(IsGone(0));
  EXPECT_EQ(slots_.taken(), 0);
  EXPECT_LE(seen_[0].made, 2);
}

TEST_F(PieceSenderTest, AStreamOfWhichNobodyTakesAPieceIsBrokenOff) {
  const auto client = Open();
  ASSERT_EQ(client->Take(), "1");
  // The server may still be at work on the second piece: then it is not the
  // caller who is silent.
  const absl::Time end = absl::Now() + absl::Seconds(10);
  while (!seen_[0].gone.HasBeenNotified() && absl::Now() < end) {
    seconds_ += 11;
    slots_.Sweep();
    std::this_thread::yield();
  }
  EXPECT_EQ(slots_.taken(), 0);
  EXPECT_LE(seen_[0].made, 2);
  client->TakeRest();
  EXPECT_FALSE(client->status().ok());
}

}  // namespace
}  // namespace sheaf::server
