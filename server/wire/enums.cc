// Enums of the wire and of the domain are cast into each other. Here each value
// of the one is held equal to its value of the other, and each enum of the wire
// to the number of its values, so that a new one is missed here.
#include "batching/plan/plan.h"
#include "queue/event.h"
#include "queue/plan.h"
#include "queue/types.h"
#include "sheaf/v1/batching_service.pb.h"
#include "sheaf/v1/event.pb.h"
#include "sheaf/v1/job.pb.h"
#include "sheaf/v1/queue_service.pb.h"

namespace sheaf::server {
namespace {

namespace pb = ::sheaf::v1;

template <class Wire, class Domain>
constexpr bool Equal(Wire wire, Domain domain) {
  return static_cast<int>(wire) == static_cast<int>(domain);
}

static_assert(Equal(pb::PRIORITY_LOW, Priority::kLow));
static_assert(Equal(pb::PRIORITY_NORMAL, Priority::kNormal));
static_assert(Equal(pb::PRIORITY_HIGH, Priority::kHigh));
static_assert(Equal(pb::PRIORITY_URGENT, Priority::kUrgent));
static_assert(pb::Priority_ARRAYSIZE == 5);

// A test holds their values to the table of states.
static_assert(pb::RunState_ARRAYSIZE == std::size(kRunStates) + 1);
static_assert(pb::JobState_ARRAYSIZE == std::size(kRunStates) + 1);

static_assert(Equal(pb::RANDOM_MODE_CPU, RandomMode::kCpu));
static_assert(Equal(pb::RANDOM_MODE_PHILOX, RandomMode::kPhilox));
static_assert(pb::RandomMode_ARRAYSIZE == 3);

static_assert(Equal(pb::ERROR_CLASS_TRANSIENT, ErrorClass::kTransient));
static_assert(Equal(pb::ERROR_CLASS_OUT_OF_MEMORY, ErrorClass::kOutOfMemory));
static_assert(Equal(pb::ERROR_CLASS_WORKER_DIED, ErrorClass::kWorkerDied));
static_assert(Equal(pb::ERROR_CLASS_BAD_INPUT, ErrorClass::kBadInput));
static_assert(Equal(pb::ERROR_CLASS_ENGINE, ErrorClass::kEngine));
static_assert(Equal(pb::ERROR_CLASS_DEADLINE, ErrorClass::kDeadline));
static_assert(Equal(pb::ERROR_CLASS_CRASH_LOOP, ErrorClass::kCrashLoop));
static_assert(pb::ErrorClass_ARRAYSIZE == 8);

static_assert(Equal(pb::EVENT_TYPE_JOB_SUBMITTED, EventType::kJobSubmitted));
static_assert(Equal(pb::EVENT_TYPE_JOB_UPDATED, EventType::kJobUpdated));
static_assert(Equal(pb::EVENT_TYPE_JOB_DELETED, EventType::kJobDeleted));
static_assert(Equal(pb::EVENT_TYPE_RUNS_STARTED, EventType::kRunsStarted));
static_assert(Equal(pb::EVENT_TYPE_RUNS_CHANGED, EventType::kRunsChanged));
static_assert(Equal(pb::EVENT_TYPE_CANCEL_REQUESTED,
                    EventType::kCancelRequested));
static_assert(Equal(pb::EVENT_TYPE_QUEUE_CREATED, EventType::kQueueCreated));
static_assert(Equal(pb::EVENT_TYPE_QUEUE_UPDATED, EventType::kQueueUpdated));
static_assert(Equal(pb::EVENT_TYPE_QUEUE_DELETED, EventType::kQueueDeleted));
static_assert(Equal(pb::EVENT_TYPE_QUEUE_PAUSED, EventType::kQueuePaused));
static_assert(Equal(pb::EVENT_TYPE_QUEUE_RESUMED, EventType::kQueueResumed));
static_assert(Equal(pb::EVENT_TYPE_QUEUE_DRAINING, EventType::kQueueDraining));
static_assert(Equal(pb::EVENT_TYPE_WORKER_JOINED, EventType::kWorkerJoined));
static_assert(Equal(pb::EVENT_TYPE_WORKER_LEFT, EventType::kWorkerLeft));
static_assert(Equal(pb::EVENT_TYPE_WORKER_DRAINING,
                    EventType::kWorkerDraining));
static_assert(Equal(pb::EVENT_TYPE_PLAN_EXECUTED, EventType::kPlanExecuted));
static_assert(Equal(pb::EVENT_TYPE_PLAN_UNDONE, EventType::kPlanUndone));
static_assert(pb::EventType_ARRAYSIZE == 18);

static_assert(Equal(pb::QUEUE_STATE_ACTIVE, QueueState::kActive));
static_assert(Equal(pb::QUEUE_STATE_PAUSED, QueueState::kPaused));
static_assert(Equal(pb::QUEUE_STATE_DRAINING, QueueState::kDraining));
static_assert(pb::QueueState_ARRAYSIZE == 4);

static_assert(Equal(pb::PAUSE_MODE_AFTER_BATCH, PauseMode::kAfterBatch));
static_assert(Equal(pb::PAUSE_MODE_NEXT_STEP, PauseMode::kNextStep));
static_assert(pb::PauseMode_ARRAYSIZE == 3);

static_assert(Equal(pb::BATCH_POLICY_OFF, BatchPolicy::kOff));
static_assert(Equal(pb::BATCH_POLICY_ADAPTIVE, BatchPolicy::kAdaptive));
static_assert(Equal(pb::BATCH_POLICY_ECONOMIC, BatchPolicy::kEconomic));
static_assert(Equal(pb::BATCH_POLICY_AUTO, BatchPolicy::kAuto));
static_assert(pb::BatchPolicy_ARRAYSIZE == 5);

static_assert(Equal(pb::BATCHING_MODE_STRICT, batching::Mode::kStrict));
static_assert(Equal(pb::BATCHING_MODE_MIXED, batching::Mode::kMixed));
static_assert(Equal(pb::BATCHING_MODE_BEST, batching::Mode::kBest));
static_assert(pb::BatchingMode_ARRAYSIZE == 4);

static_assert(Equal(pb::PLAN_STATE_READY, PlanState::kReady));
static_assert(Equal(pb::PLAN_STATE_ACTIVE, PlanState::kActive));
static_assert(Equal(pb::PLAN_STATE_REPLACED, PlanState::kReplaced));
static_assert(Equal(pb::PLAN_STATE_UNDONE, PlanState::kUndone));
static_assert(pb::PlanState_ARRAYSIZE == 6);

}  // namespace
}  // namespace sheaf::server
