// The rows of events.
#pragma once

#include <cstdint>
#include <vector>

#include "queue/event.h"

namespace sheaf {

class EventReads {
 public:
  virtual ~EventReads() = default;

  virtual std::vector<Event> Events(int64_t after, int limit) = 0;
  // Fewer where they take more than kEventPageBytes.
  std::vector<Event> EventPage(int64_t after, int limit);
  virtual int64_t LastSequence() = 0;
  virtual int64_t FirstSequence() = 0;  // of the oldest kept; 1 if none yet
};

class EventWrites {
 public:
  virtual ~EventWrites() = default;

  virtual void AppendEvent(Event event) = 0;  // gives sequence and time
  // Removes the events through LastTrimmed(through, LastSequence()).
  virtual void TrimEvents(int64_t through) = 0;
};

}  // namespace sheaf
