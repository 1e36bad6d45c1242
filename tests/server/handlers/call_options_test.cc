#include "server/handlers/call_options.h"

#include "tests/server/handlers/one_call.h"

namespace sheaf::server {
namespace {

class CallOptionsTest : public OneCallTest {
 protected:
  // Calls `look` while the server handles a call.
  template <class Look>
  void WithinACall(Look look) {
    CallToItsEnd([&](grpc::CallbackServerContext* context,
                     const v1::GetQueueRequest*, v1::Queue*) {
      look(*context);
      return Calls::Done(context);
    });
  }
};

TEST_F(CallOptionsTest, AllCallsOfAClientTakeItsTurns) {
  WithinACall([](const grpc::CallbackServerContext& context) {
    for (const CallOptions& options :
         {CallOf(context), ReplyOf(context), RoomMakingOf(context),
          ScanOf(context)}) {
      EXPECT_EQ(options.caller, context.peer());
      EXPECT_EQ(options.group, AddressOf(context.peer()));
      EXPECT_FALSE(options.own);
    }
  });
}

TEST_F(CallOptionsTest, ACallEndsWhereItsClientLeavesAndAReplyDoesNot) {
  WithinACall([this](const grpc::CallbackServerContext& context) {
    const CallOptions call = CallOf(context);
    EXPECT_FALSE(call.cancelled());
    Leave(&context);
    EXPECT_TRUE(call.cancelled());
    EXPECT_FALSE(CallOf(context, /*cancellable=*/false).cancelled);
    EXPECT_FALSE(ReplyOf(context).cancelled);
  });
}

TEST_F(CallOptionsTest, EachKindOfCallHasItsOwnWay) {
  WithinACall([](const grpc::CallbackServerContext& context) {
    EXPECT_FALSE(CallOf(context).first);
    EXPECT_TRUE(ReplyOf(context).first);
    EXPECT_FALSE(CallOf(context).makes_room);
    EXPECT_TRUE(RoomMakingOf(context).makes_room);
    EXPECT_EQ(CallOf(context).length, CallOptions::Length::kShort);
    EXPECT_EQ(ScanOf(context).length, CallOptions::Length::kScan);
  });
}

}  // namespace
}  // namespace sheaf::server
