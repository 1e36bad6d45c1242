#include "server/handlers/door.h"

#include <chrono>

#include "tests/server/handlers/one_call.h"

namespace sheaf::server {
namespace {

class DoorTest : public OneCallTest {
 protected:
  // Has `ask` ask the door about a call, and answers what the door says.
  template <class Ask>
  auto AtTheDoor(Ask ask) {
    decltype(ask(std::declval<grpc::CallbackServerContext&>())) answer;
    CallToItsEnd([&](grpc::CallbackServerContext* context,
                     const v1::GetQueueRequest*, v1::Queue*) {
      answer = ask(*context);
      return Calls::Done(context);
    });
    return answer;
  }
  absl::StatusOr<Caller> Admit() {
    return AtTheDoor([this](const grpc::CallbackServerContext& context) {
      return door_.Admit(context, request_);
    });
  }
};

TEST_F(DoorTest, ACallThatKeepsTheRulesIsLetInWithItsCaller) {
  const auto caller =
      AtTheDoor([this](const grpc::CallbackServerContext& context)
                    -> absl::StatusOr<std::pair<Caller, std::string>> {
        const auto admitted = door_.Admit(context, request_);
        if (!admitted.ok()) return admitted.status();
        return std::pair(*admitted, context.peer());
      });
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->first.connection, caller->second);
  EXPECT_EQ(caller->first.address, AddressOf(caller->second));
}

TEST_F(DoorTest, ARequestThatBreaksARuleIsTurnedAwayByTheNameOfItsField) {
  request_.set_name("night");
  const absl::Status refused = Admit().status();
  EXPECT_EQ(ReasonOf(refused), Reason::kInvalidField);
  EXPECT_EQ(ViolationsOf(refused).at(0).field, "name");
}

TEST_F(DoorTest, NobodyIsLetInWhileTheServerStops) {
  stopping_ = true;
  const absl::Status refused = Admit().status();
  EXPECT_EQ(ReasonOf(refused), Reason::kServerStopping);
  EXPECT_TRUE(RetryAfterOf(refused)) << "it comes back";
}

TEST_F(DoorTest, ACallIsNotBegunAfterItsDeadline) {
  client_->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::milliseconds(100));
  bool in_time = false;
  const absl::Status late =
      AtTheDoor([&](const grpc::CallbackServerContext& context) {
        in_time = door_.Admit(context, request_).ok();
        while (std::chrono::system_clock::now() < context.deadline()) {
          std::this_thread::yield();
        }
        return door_.Admit(context, request_).status();
      });
  EXPECT_TRUE(in_time);
  EXPECT_EQ(ReasonOf(late), Reason::kDeadlinePassed);
}

TEST_F(DoorTest, AnAddressMayChangeOnlySoMuchAndReadAnyNumber) {
  const absl::Status refused = AtTheDoor([this](const auto& context) {
    absl::Status status;
    for (int i = 0; i < 100 && status.ok(); ++i) {
      status = door_.AdmitChange(context, request_).status();
    }
    EXPECT_TRUE(door_.Admit(context, request_).ok());
    return status;
  });
  EXPECT_EQ(ReasonOf(refused), Reason::kOverloaded);
}

TEST_F(DoorTest, ACallUnderWayGoesOnUntilItsCallerLeaves) {
  absl::Status before = absl::UnknownError("not asked");
  const absl::Status after = AtTheDoor([&](const auto& context) {
    before = door_.MayGoOn(context);
    Leave(&context);
    return door_.MayGoOn(context);
  });
  EXPECT_TRUE(before.ok()) << before;
  EXPECT_EQ(ReasonOf(after), Reason::kCallCancelled);
}

TEST_F(DoorTest, ACallUnderWayEndsWhereTheServerStops) {
  const absl::Status status = AtTheDoor([this](const auto& context) {
    stopping_ = true;
    return door_.MayGoOn(context);
  });
  EXPECT_EQ(ReasonOf(status), Reason::kServerStopping);
  EXPECT_TRUE(door_.is_closing());
}

}  // namespace
}  // namespace sheaf::server
