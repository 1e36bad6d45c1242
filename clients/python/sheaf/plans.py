"""What came of an analysis, and of an execution."""

from __future__ import annotations

import dataclasses
from typing import List, Optional

from sheaf._pb.sheaf.v1.batching_service_pb2 import (
    Plan,
    PlanBatch,
    PlanVerdict,
)

__all__ = ["Analysis", "Execution"]


@dataclasses.dataclass(frozen=True)
class Analysis:
    """What an analysis found; false if nothing can be batched.

    `message` then says why: "No batchable jobs found: ...". `str()` gives the
    preview for people.
    """

    message: str
    plan: Optional[Plan] = None
    # In the order to run them. `batch.weights_list` has one complete map for
    # each of `batch.runs`.
    batches: List[PlanBatch] = dataclasses.field(default_factory=list)

    def __bool__(self) -> bool:
        return self.plan is not None

    def __str__(self) -> str:
        return self.text or self.message

    @property
    def name(self) -> str:
        """`plans/{plan}`; empty if there is no plan, or if it is not stored."""
        return self.plan.name if self.plan is not None else ""

    @property
    def speedup(self) -> float:
        """The time of the jobs as they are over the time of the plan; 1 if
        there is no plan."""
        return self.plan.speedup if self.plan is not None else 1.0

    @property
    def verdict(self) -> PlanVerdict:
        """What the server advises; UNSPECIFIED if there is no plan."""
        if self.plan is None:
            return PlanVerdict.PLAN_VERDICT_UNSPECIFIED
        return self.plan.verdict

    @property
    def advised(self) -> bool:
        """Whether the server advises to execute the plan."""
        return self.verdict == PlanVerdict.PLAN_VERDICT_EXECUTE

    @property
    def text(self) -> str:
        """The preview of the plan; empty if there is none."""
        return self.plan.text if self.plan is not None else ""


@dataclasses.dataclass(frozen=True)
class Execution:
    """What an execution did; false if it left the queue as it was.

    `message` says what was done ("Queue reorganized successfully. 5 jobs → 3
    batches"), or why nothing was.
    """

    message: str
    executed: bool
    plan: Optional[Plan] = None
    # An earlier call with the same request_id executed the plan.
    replayed: bool = False

    def __bool__(self) -> bool:
        return self.executed

    @property
    def name(self) -> str:
        """`plans/{plan}`; empty if there is no plan."""
        return self.plan.name if self.plan is not None else ""

    @property
    def speedup(self) -> float:
        """The predicted speedup of the plan; 1 if there is none."""
        return self.plan.speedup if self.plan is not None else 1.0
