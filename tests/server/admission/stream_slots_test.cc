#include "server/admission/stream_slots.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Caller From(const std::string& address, int port = 1) {
  return CallerOf("ipv4:" + address + ":" + std::to_string(port));
}

class StreamSlotsTest : public ::testing::Test {
 protected:
  StreamSlotsTest() { Make(2); }

  void Make(int count_max) {
    streams_.clear();
    slots_ = std::make_unique<StreamSlots>(
        StreamSlots::Options{.what = "uploads", .count_max = count_max},
        [this] { return now_; });
  }
  // Enters a stream; notes `name` and the reason when it is ended.
  StreamSlots::Stream* Enter(const std::string& name, const Caller& caller) {
    streams_.push_back(
        slots_->Enter(caller, [this, name](const absl::Status& status) {
          ended_.push_back(name);
          why_ = status;
        }));
    return streams_.back().get();
  }
  StreamSlots::Stream* EnterAndClaim(const std::string& name,
                                     const Caller& caller) {
    StreamSlots::Stream* stream = Enter(name, caller);
    EXPECT_TRUE(stream->Claim().ok()) << name;
    return stream;
  }
  static void Bring(StreamSlots::Stream* stream, int64_t bytes) {
    stream->Heard(bytes);
    stream->Waits();
  }

  absl::Duration now_ = absl::Hours(1);
  std::unique_ptr<StreamSlots> slots_;
  std::vector<std::unique_ptr<StreamSlots::Stream>> streams_;
  std::vector<std::string> ended_;
  absl::Status why_;
};

TEST_F(StreamSlotsTest, CallerIsAnAddressAndAConnection) {
  const Caller four = CallerOf("ipv4:10.0.0.7:51234");
  EXPECT_EQ(four.address, "ipv4:10.0.0.7");
  EXPECT_EQ(four.connection, "ipv4:10.0.0.7:51234");
  EXPECT_EQ(CallerOf("ipv6:%5B2001:db8::1%5D:7").address,
            CallerOf("ipv6:%5B2001:db8::ffff%5D:9").address);
  EXPECT_EQ(CallerOf("unix:").address, CallerOf("unix:/a/name").address);
  EXPECT_EQ(CallerOf("").address, "");
}

TEST_F(StreamSlotsTest, NoPlaceIsTakenBeforeTheFirstMessage) {
  for (int i = 0; i < 5; ++i) Enter("idle", From("1.1.1.1", i));
  EXPECT_EQ(slots_->taken(), 0);
  EnterAndClaim("a", From("1.1.1.1"));
  EXPECT_EQ(slots_->taken(), 1);
}

TEST_F(StreamSlotsTest, PlacesAreGivenBackAndClaimedOnce) {
  StreamSlots::Stream* a = EnterAndClaim("a", From("1.1.1.1"));
  EXPECT_TRUE(a->Claim().ok());
  EnterAndClaim("b", From("1.1.1.1"));
  EXPECT_EQ(slots_->taken(), 2);
  const absl::Status refused = Enter("c", From("1.1.1.1"))->Claim();
  EXPECT_EQ(ReasonOf(refused), Reason::kOverloaded);
  EXPECT_TRUE(RetryAfterOf(refused).has_value());
  streams_.clear();
  EXPECT_EQ(slots_->taken(), 0);
  EnterAndClaim("d", From("1.1.1.1"));
  EXPECT_THAT(ended_, IsEmpty());
}

TEST_F(StreamSlotsTest, SilentStreamIsEndedAlsoBeforeItsFirstMessage) {
  Enter("mute", From("1.1.1.1"));
  StreamSlots::Stream* a = EnterAndClaim("a", From("1.1.1.1"));
  now_ += absl::Seconds(9);
  slots_->Sweep();
  EXPECT_THAT(ended_, IsEmpty());
  Bring(a, 1);
  now_ += absl::Seconds(1);
  slots_->Sweep();
  EXPECT_THAT(ended_, ElementsAre("mute"));
  now_ += absl::Seconds(9);
  slots_->Sweep();
  EXPECT_THAT(ended_, ElementsAre("mute", "a"));
  EXPECT_EQ(ReasonOf(why_), Reason::kStreamIdle);
  EXPECT_EQ(slots_->taken(), 0);
  now_ += absl::Hours(1);
  slots_->Sweep();
  EXPECT_THAT(ended_, ElementsAre("mute", "a"));  // each once
}

TEST_F(StreamSlotsTest, TimeThatTheServerTakesIsNotTheCallersSilence) {
  StreamSlots::Stream* a = EnterAndClaim("a", From("1.1.1.1"));
  a->Heard(1);
  now_ += absl::Hours(1);
  slots_->Sweep();
  EXPECT_THAT(ended_, IsEmpty());
  a->Waits();
  now_ += absl::Seconds(10);
  slots_->Sweep();
  EXPECT_THAT(ended_, ElementsAre("a"));
}

TEST_F(StreamSlotsTest, StreamThatStandsStillYieldsItsPlace) {
  EnterAndClaim("still", From("1.1.1.1", 1));
  StreamSlots::Stream* b = EnterAndClaim("b", From("1.1.1.1", 2));
  now_ += absl::Seconds(1);
  Bring(b, 64 << 10);
  EnterAndClaim("c", From("1.1.1.1", 3));
  EXPECT_THAT(ended_, ElementsAre("still"));
  EXPECT_EQ(ReasonOf(why_), Reason::kOverloaded);
  EXPECT_EQ(slots_->taken(), 2);
  // The other streams move, or are new.
  EXPECT_FALSE(Enter("d", From("1.1.1.1", 4))->Claim().ok());
  EXPECT_THAT(ended_, ElementsAre("still"));
}

TEST_F(StreamSlotsTest, OneByteNowAndThenIsStandingStill) {
  StreamSlots::Stream* drip = EnterAndClaim("drip", From("1.1.1.1", 1));
  StreamSlots::Stream* b = EnterAndClaim("b", From("1.1.1.1", 2));
  for (int i = 0; i < 10; ++i) {
    now_ += absl::Milliseconds(200);
    Bring(drip, 1);
    Bring(b, 20'000);
  }
  EnterAndClaim("c", From("1.1.1.1", 3));
  EXPECT_THAT(ended_, ElementsAre("drip"));
}

TEST_F(StreamSlotsTest, SlownessOfTheServerIsNobodysFault) {
  StreamSlots::Stream* a = EnterAndClaim("a", From("1.1.1.1", 1));
  StreamSlots::Stream* b = EnterAndClaim("b", From("1.1.1.1", 2));
  a->Heard(1);
  b->Heard(1);
  now_ += absl::Seconds(5);
  a->Waits();
  b->Waits();
  EXPECT_FALSE(Enter("c", From("1.1.1.1", 3))->Claim().ok());
  EXPECT_THAT(ended_, IsEmpty());
}

TEST_F(StreamSlotsTest, WhatTheServerWorksOnYieldsToFairnessAlone) {
  Make(4);
  for (int i = 0; i < 4; ++i) {
    EnterAndClaim("hoard", From("1.1.1.1", i))->Heard(1);
  }
  now_ += absl::Seconds(5);
  // No stream yields to a new one of its own address, because the server was
  // slow.
  EXPECT_FALSE(Enter("c", From("1.1.1.1", 9))->Claim().ok());
  EXPECT_THAT(ended_, IsEmpty());
  EnterAndClaim("d", From("2.2.2.2"));
  EXPECT_THAT(ended_, ElementsAre("hoard"));
}

TEST_F(StreamSlotsTest, OfAHoardTheOneThatWaitsForItsCallerYieldsFirst) {
  Make(4);
  for (const char* name : {"worked on", "waiting", "worked on", "worked on"}) {
    StreamSlots::Stream* stream = EnterAndClaim(name, From("1.1.1.1"));
    if (name != std::string("waiting")) stream->Heard(1);
  }
  EnterAndClaim("d", From("2.2.2.2"));
  EXPECT_THAT(ended_, ElementsAre("waiting"));
}

TEST_F(StreamSlotsTest, CallerWithMostYieldsToOneWithFewer) {
  Make(6);
  for (int i = 0; i < 5; ++i) EnterAndClaim("a", From("1.1.1.1", i));
  EnterAndClaim("b", From("2.2.2.2"));
  for (int i = 0; i < 2; ++i) EnterAndClaim("b", From("2.2.2.2"));
  EXPECT_THAT(ended_, ElementsAre("a", "a"));
  // Three each: no address has more than a fair part.
  EXPECT_FALSE(Enter("b", From("2.2.2.2"))->Claim().ok());
  EXPECT_FALSE(Enter("a", From("1.1.1.1"))->Claim().ok());
  EnterAndClaim("c", From("3.3.3.3"));
  EXPECT_EQ(ended_.size(), 3u);
  EXPECT_EQ(slots_->taken(), 6);
}

TEST_F(StreamSlotsTest, ConnectionsOfOneAddressShareItsPlaces) {
  Make(4);
  for (int i = 0; i < 4; ++i) EnterAndClaim("a", From("1.1.1.1", 1));
  EnterAndClaim("b", From("1.1.1.1", 2));
  EnterAndClaim("b", From("1.1.1.1", 2));
  EXPECT_FALSE(Enter("b", From("1.1.1.1", 2))->Claim().ok());
  EXPECT_THAT(ended_, ElementsAre("a", "a"));
}

TEST_F(StreamSlotsTest, OfSlowStreamsTheGreediestCallersYieldsFirst) {
  Make(4);
  EnterAndClaim("honest", From("2.2.2.2"));
  now_ += absl::Seconds(1);
  for (int i = 0; i < 3; ++i) EnterAndClaim("hoard", From("1.1.1.1", i));
  now_ += absl::Seconds(2);
  EnterAndClaim("c", From("3.3.3.3"));
  EXPECT_THAT(ended_, ElementsAre("hoard"));
}

TEST_F(StreamSlotsTest, EndedStreamGetsNoPlaceAnyMore) {
  StreamSlots::Stream* late = Enter("late", From("1.1.1.1"));
  now_ += absl::Seconds(10);
  slots_->Sweep();
  EXPECT_FALSE(late->Claim().ok());
  EXPECT_EQ(slots_->taken(), 0);
}

TEST_F(StreamSlotsTest, CallersOfAUnixSocketAreOne) {
  for (int i = 0; i < 2; ++i) EnterAndClaim("a", CallerOf("unix:"));
  EXPECT_FALSE(Enter("a", CallerOf("unix:"))->Claim().ok());
  EnterAndClaim("b", From("127.0.0.1"));
  EXPECT_THAT(ended_, ElementsAre("a"));
  streams_.clear();
  EXPECT_EQ(slots_->taken(), 0);
}

}  // namespace
}  // namespace sheaf::server
