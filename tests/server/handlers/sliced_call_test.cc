#include "server/handlers/sliced_call.h"

#include <functional>
#include <string>
#include <vector>

#include "tests/server/handlers/one_call.h"
#include "tests/server/handlers/reasons.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;

// Runs each write twice, as a store does that has to undo another one, and
// notes how each call goes.
class TwiceStore final : public Store {
 public:
  explicit TwiceStore(Store* store) : store_(*store) {}

  std::vector<std::string> ways;

 private:
  void StartWrite(WriteCase use_case, Done done, CallOptions options) override {
    ways.push_back(options.makes_room ? "makes room" : "write");
    store_.Write(
        [use_case = std::move(use_case)](Tx& tx) mutable {
          const absl::Status first = use_case(tx);
          return first.ok() ? use_case(tx) : first;
        },
        std::move(done), std::move(options));
  }
  void StartRead(ReadCase use_case, Done done, CallOptions options) override {
    ways.push_back(options.length == CallOptions::Length::kScan ? "scan"
                                                                : "read");
    store_.Read(std::move(use_case), std::move(done), std::move(options));
  }

  Store& store_;
};

// A change of three slices. `within` is called in each of them.
class ThreeSlices {
 public:
  static constexpr bool kMakesRoom = false;

  explicit ThreeSlices(std::function<absl::Status(int slice)> within)
      : within_(std::move(within)) {}

  NextCall next() const {
    return done_ == 3 ? NextCall::kDone : NextCall::kChange;
  }
  absl::Status Change(Tx&) { return within_(++done_); }

  int done() const { return done_; }

 private:
  std::function<absl::Status(int slice)> within_;
  int done_ = 0;
};

// Looks once, and then makes room in one slice.
class LookThenChange {
 public:
  static constexpr bool kMakesRoom = true;
  static constexpr bool scans() { return true; }

  NextCall next() const { return next_; }
  absl::Status Look(View&) {
    next_ = NextCall::kChange;
    return absl::OkStatus();
  }
  absl::Status Change(Tx&) {
    next_ = NextCall::kDone;
    return absl::OkStatus();
  }

 private:
  NextCall next_ = NextCall::kLook;
};

class SlicedCallTest : public OneCallTest {
 protected:
  // Makes the change in a call; notes the number of slices in the answer.
  grpc::Status Change(std::function<absl::Status(int slice)> within) {
    return CallToItsEnd([&](auto* context, auto*, auto* response) {
      context_ = context;
      return calls_.InSlices(
          context, ThreeSlices(within), [response](const ThreeSlices& change) {
            response->set_name(std::to_string(change.done()));
          });
    });
  }

  TwiceStore twice_{&store_};
  const Calls calls_{&door_, &twice_};
  grpc::CallbackServerContext* context_ = nullptr;
};

TEST_F(SlicedCallTest, AChangeIsAnsweredAfterItsLastSlice) {
  const grpc::Status status = Change([](int) { return absl::OkStatus(); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response_.name(), "3") << "though each slice has run twice";
  EXPECT_THAT(twice_.ways, ElementsAre("write", "write", "write"));
}

TEST_F(SlicedCallTest, AChangeEndsWhereItsCallerLeaves) {
  const grpc::Status status = Change([this](int slice) {
    if (slice == 2) Leave(context_);
    return absl::OkStatus();
  });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(twice_.ways.size(), 2u) << "the two slices that were done stay";
}

TEST_F(SlicedCallTest, AChangeEndsWhereTheServerStops) {
  const grpc::Status status = Change([this](int) {
    stopping_ = true;
    return absl::OkStatus();
  });
  EXPECT_EQ(ReasonOf(status), "SERVER_STOPPING");
  EXPECT_THAT(status.error_message(),
              ::testing::HasSubstr("a part of the call is done"));
  EXPECT_EQ(twice_.ways.size(), 1u);
}

TEST_F(SlicedCallTest, AChangeThatIsDoneIsAnsweredThoughTheServerStops) {
  const grpc::Status status = Change([this](int slice) {
    stopping_ = slice == 3;
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response_.name(), "3");
}

TEST_F(SlicedCallTest, ASliceThatFailsEndsTheChange) {
  const grpc::Status status = Change([](int slice) {
    return slice == 2 ? Error(Reason::kQueueFull, "full") : absl::OkStatus();
  });
  EXPECT_EQ(ReasonOf(status), "QUEUE_FULL");
  EXPECT_EQ(response_.name(), "");
  EXPECT_EQ(twice_.ways.size(), 2u);
}

TEST_F(SlicedCallTest, AChangeLooksOnASnapshotAndMakesRoomOnTheWriter) {
  const grpc::Status status = CallToItsEnd([&](auto* context, auto*, auto*) {
    return calls_.InSlices(context, LookThenChange(), kNothing);
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(twice_.ways, ElementsAre("scan", "makes room"));
}

}  // namespace
}  // namespace sheaf::server
