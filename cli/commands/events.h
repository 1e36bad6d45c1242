// Reads and prints the server's events as they happen. Blocks; one thread.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "cli/support/context.h"
#include "sheaf/v1/job_service.pb.h"

namespace sheaf::cli {

// The sequence number of the last event so far: state read after this call and
// the events after this number together miss nothing.
absl::StatusOr<int64_t> LastEventSequence(Context& context);

// Hands every message of the stream to `each`, until it returns false. A
// stream that ends or breaks is taken up again where it stopped; gives up with
// UNAVAILABLE when the server stays away for a minute, and at once when it was
// never there.
absl::Status ReadEvents(
    Context& context, v1::WatchEventsRequest request,
    const std::function<bool(const v1::WatchEventsResponse&)>& each);

// One line about the event, without line break, safe for a terminal.
std::string EventText(const v1::Event& event);

// Prints the message in the chosen format; skips heartbeats.
void PrintEvent(Context& context, const v1::WatchEventsResponse& message);

}  // namespace sheaf::cli
