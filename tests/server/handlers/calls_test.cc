#include "server/handlers/calls.h"

#include <string>
#include <thread>

#include "queue/queues.h"
#include "tests/server/handlers/one_call.h"
#include "tests/server/handlers/reasons.h"

namespace sheaf::server {
namespace {

// A store whose commits fail, whatever the use case says.
class FailingStore final : public Store {
 public:
  explicit FailingStore(Store* store) : store_(*store) {}

 private:
  void StartWrite(WriteCase use_case, Done done, CallOptions options) override {
    store_.Write(
        std::move(use_case),
        [done = std::move(done)](const absl::Status&) mutable {
          done(Error(Reason::kStoreUnavailable, "the disk is gone"));
        },
        std::move(options));
  }
  void StartRead(ReadCase use_case, Done done, CallOptions options) override {
    store_.Read(std::move(use_case), std::move(done), std::move(options));
  }

  Store& store_;
};

class CallsTest : public OneCallTest {
 protected:
  static absl::StatusOr<std::string> MakeQueue(Tx& tx) {
    EnsureDefaultQueue(tx);
    return std::string("queues/default");
  }
  static auto NameIn(v1::Queue* response) {
    return [response](const std::string& name) { response->set_name(name); };
  }

  const Calls calls_{&door_, &store_};
};

TEST_F(CallsTest, AWriteIsAnsweredWithTheResultOfItsUseCase) {
  const grpc::Status status = Call([&](auto* context, auto*, auto* response) {
    return calls_.Write(context, &MakeQueue, NameIn(response));
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response_.name(), "queues/default");
}

TEST_F(CallsTest, AReadSeesTheStoreAsItIs) {
  Call([&](auto* context, auto*, auto* response) {
    return calls_.Write(context, &MakeQueue, NameIn(response));
  });
  client_ = std::make_unique<grpc::ClientContext>();
  const grpc::Status status = Call([&](auto* context, auto*, auto* response) {
    return calls_.Read(
        context,
        [](View& view) -> absl::StatusOr<size_t> {
          return view.Queues().size();
        },
        [response](size_t count) {
          response->set_name(std::to_string(count));
        });
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response_.name(), "1");
}

TEST_F(CallsTest, AUseCaseThatFailsFillsNoAnswer) {
  bool is_filled = false;
  const grpc::Status status = Call([&](auto* context, auto*, auto*) {
    return calls_.Write(
        context,
        [](Tx&) -> absl::StatusOr<int> {
          return Error(Reason::kQueueNotFound, "there is no queues/night");
        },
        [&](int) { is_filled = true; });
  });
  EXPECT_EQ(ReasonOf(status), "QUEUE_NOT_FOUND");
  EXPECT_FALSE(is_filled);
}

TEST_F(CallsTest, ACommitThatFailsFillsNoAnswer) {
  FailingStore failing(&store_);
  const Calls calls(&door_, &failing);
  bool is_filled = false;
  const grpc::Status status = Call([&](auto* context, auto*, auto*) {
    return calls.Write(context, &MakeQueue,
                       [&](const std::string&) { is_filled = true; });
  });
  EXPECT_EQ(ReasonOf(status), "STORE_UNAVAILABLE");
  EXPECT_FALSE(is_filled);
}

TEST_F(CallsTest, ACallThatIsNotAdmittedBeginsNothing) {
  stopping_ = true;
  bool has_begun = false;
  const grpc::Status status = Call([&](auto* context, auto* request, auto*) {
    return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
      has_begun = true;
      return Calls::Done(context);
    });
  });
  EXPECT_EQ(ReasonOf(status), "SERVER_STOPPING");
  EXPECT_FALSE(has_begun);
}

TEST_F(CallsTest, ACallThatCannotBeginSaysWhy) {
  const grpc::Status status = Call([&](auto* context, auto* request, auto*) {
    return calls_.AdmittedChange(context, *request,
                                 [&](const Caller&) -> Begun {
                                   return Error(Reason::kBadFilter, "no");
                                 });
  });
  EXPECT_EQ(ReasonOf(status), "BAD_FILTER");
}

TEST_F(CallsTest, AResultThatIsAwaitedComesLaterFromAnyThread) {
  std::thread thread;
  const grpc::Status status = Call([&](auto* context, auto*, auto* response) {
    return Calls::Await<std::string>(
        context,
        [&](auto done) {
          thread = std::thread([done] { done(std::string("queues/late")); });
        },
        NameIn(response));
  });
  thread.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response_.name(), "queues/late");
}

TEST_F(CallsTest, AnEndThatIsAwaitedIsTheStatusOfTheCall) {
  const grpc::Status status = Call([&](auto* context, auto*, auto*) {
    return Calls::Await(context, [](auto done) {
      done(Error(Reason::kDiskFull, "the disk is full"));
    });
  });
  EXPECT_EQ(ReasonOf(status), "DISK_FULL");
}

TEST_F(CallsTest, AnAnswerIsOfNoUseOnceTheCallerHasLeft) {
  bool before = true;
  bool after = false;
  CallToItsEnd([&](auto* context, auto*, auto*) {
    const auto has_left = calls_.HasLeft(context);
    before = has_left();
    Leave(context);
    after = has_left();
    return Calls::Done(context);
  });
  EXPECT_FALSE(before);
  EXPECT_TRUE(after);
}

TEST_F(CallsTest, AnAnswerIsOfNoUseOnceTheServerStops) {
  bool has_left = false;
  Call([&](auto* context, auto*, auto*) {
    stopping_ = true;
    has_left = calls_.HasLeft(context)();
    return Calls::Done(context);
  });
  EXPECT_TRUE(has_left);
}

}  // namespace
}  // namespace sheaf::server
