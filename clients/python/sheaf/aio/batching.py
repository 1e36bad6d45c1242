"""Calls about smart batching: which waiting runs share a batch."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    AsyncIterator,
    Callable,
    List,
    Mapping,
    Optional,
    Union,
)

import grpc

from sheaf import errors
from sheaf._pb.sheaf.v1 import batching_service_pb2 as pb
from sheaf._pb.sheaf.v1 import queue_service_pb2 as queue_pb
from sheaf.aio.connection import Connection
from sheaf.plans import Analysis, Execution
from sheaf.types import (
    BatchingMode,
    BatchProfile,
    EstimatorKind,
    Explanation,
    Plan,
    PlanBatch,
    PlannerKind,
    PlanningSettings,
    Queue,
    Run,
    SignatureKind,
)
from sheaf.values import Planning, Word, enum, fill, name_in, name_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

# A plan: "plans/7", the plan itself, or what made or executed it.
PlanLike = Union[str, Plan, Analysis, Execution]


class Batching(Connection):
    """Analyzes queues, executes plans, and tells how they fared.

    Where a call takes a plan and is given none, it takes the newest of `queue`
    that suits.
    """

    async def analyze(
        self,
        queue: Union[str, Queue] = "default",
        *,
        mode: Word = "best",
        batch_size: int = 0,
        planner: Word = "optimal",
        signature: Word = "minimal",
        estimator: Word = "cost_model",
        live: bool = False,
        validate_only: bool = False,
        **planning: Unpack[Planning],
    ) -> Analysis:
        """Plans which waiting runs of a paused queue go together, and stores
        the plan. The answer is false if nothing can be batched.

        `mode` is "strict" (same controls, steps, guidance and sampler), "mixed"
        (each run keeps its own) or "best" (as is cheaper). `batch_size` 0 is
        the queue's. `planner` is "optimal" or "greedy" (fills batches in order
        of arrival), `signature` "minimal" or "conservative" (seed, steps and
        guidance must be equal), `estimator` "cost_model" or "heuristic".

        With `live` the queue need not be paused. With `validate_only` the plan
        is not stored: it has no name, and the answer holds its first 100
        batches. sheaf.Planning lists the limits to set.
        """
        answer = await self._call(
            self._batching.AnalyzeQueue,
            pb.AnalyzeQueueRequest(
                queue=name_in("queues", queue),
                mode=enum(BatchingMode.DESCRIPTOR, mode),
                batch_size=batch_size,
                planner=enum(PlannerKind.DESCRIPTOR, planner),
                signature=enum(SignatureKind.DESCRIPTOR, signature),
                estimator=enum(EstimatorKind.DESCRIPTOR, estimator),
                live=live,
                validate_only=validate_only,
                planning=_limits(planning),
            ),
        )
        if not answer.HasField("plan"):
            return Analysis(answer.message)
        batches = list(answer.batches)
        if not validate_only:
            batches = [each async for each in self.plan_batches(answer.plan)]
        return Analysis(answer.message, answer.plan, batches)

    async def execute(
        self,
        plan: Optional[PlanLike] = None,
        *,
        queue: Union[str, Queue] = "default",
        unchanged: bool = False,
        request_id: str = "",
        actor: str = "",
    ) -> Execution:
        """Makes the queue go by a plan, by default the queue's newest.

        Raises an error with the reason ANALYSIS_STALE if the waiting runs have
        changed since the analysis. A live plan keeps the runs that still wait
        instead, unless `unchanged` is set. A second call with the same
        `request_id` executes nothing more.
        """
        answer = await self._call(
            self._batching.ExecutePlan,
            pb.ExecutePlanRequest(
                name=_stored(plan),
                queue=name_in("queues", queue) if plan is None else "",
                request_id=request_id,
                actor=actor,
                unchanged=unchanged,
            ),
        )
        return Execution(answer.message, True, answer.plan, answer.replayed)

    async def analyze_and_execute(
        self,
        queue: Union[str, Queue] = "default",
        *,
        min_speedup: Optional[float] = None,
        mode: Word = "best",
        batch_size: int = 0,
        planner: Word = "optimal",
        signature: Word = "minimal",
        request_id: str = "",
        actor: str = "",
        **planning: Unpack[Planning],
    ) -> Execution:
        """Analyzes a queue and executes the plan if its speedup is at least
        `min_speedup` (1.1 if None), in one call. The answer is false if it did
        not, and says why.

        The queue need not be paused, so that several schedulers can use it at
        once. The other arguments are as those of `analyze` and `execute`.
        """
        answer = await self._call(
            self._batching.AnalyzeAndExecute,
            pb.AnalyzeAndExecuteRequest(
                queue=name_in("queues", queue),
                mode=enum(BatchingMode.DESCRIPTOR, mode),
                batch_size=batch_size,
                planner=enum(PlannerKind.DESCRIPTOR, planner),
                signature=enum(SignatureKind.DESCRIPTOR, signature),
                min_speedup=min_speedup,
                planning=_limits(planning),
                request_id=request_id,
                actor=actor,
            ),
        )
        plan = answer.plan if answer.HasField("plan") else None
        return Execution(answer.message, answer.executed, plan)

    async def undo(
        self,
        plan: Optional[PlanLike] = None,
        *,
        queue: Union[str, Queue] = "default",
        actor: str = "",
    ) -> Plan:
        """Brings the former grouping back, by default that before the plan that
        the queue goes by. It works until the first of the plan's batches
        starts."""
        name = _stored(plan)
        if plan is None:
            present = await self._call(
                self._queues.GetQueue,
                queue_pb.GetQueueRequest(name=name_in("queues", queue)),
            )
            if not present.plan:
                raise errors.FailedPrecondition(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"{present.name} goes by no plan",
                    "PLAN_NOT_ACTIVE",
                )
            name = present.plan
        return await self._call(
            self._batching.UndoPlan, pb.UndoPlanRequest(name=name, actor=actor)
        )

    async def plan(
        self,
        plan: Optional[PlanLike] = None,
        *,
        queue: Union[str, Queue] = "default",
    ) -> Plan:
        """A plan as it is now, by default the queue's newest."""
        return await self._plan(plan, queue, lambda each: True, "")

    async def plans(
        self, queue: Union[str, Queue] = "default"
    ) -> AsyncIterator[Plan]:
        """The plans of a queue that are kept, newest first."""
        request = pb.ListPlansRequest(queue=name_in("queues", queue))
        async for page in self._pages(self._batching.ListPlans, request):
            for plan in page.plans:
                yield plan

    async def plan_batches(
        self,
        plan: Optional[PlanLike] = None,
        *,
        queue: Union[str, Queue] = "default",
    ) -> AsyncIterator[PlanBatch]:
        """The batches of a plan, in the order to run them. `weights_list` has
        one complete map for each run; `actual` is how long a batch took."""
        name = _stored(plan)
        if plan is None:
            name = (await self.plan(queue=queue)).name
        request = pb.ListPlanBatchesRequest(plan=name)
        async for page in self._pages(self._batching.ListPlanBatches, request):
            for batch in page.batches:
                yield batch

    async def preview_text(
        self,
        plan: Optional[PlanLike] = None,
        *,
        queue: Union[str, Queue] = "default",
    ) -> str:
        """The preview of a plan for people; "" if the queue has no plan."""
        try:
            return (await self.plan(plan, queue=queue)).text
        except errors.NotFound:
            return ""

    async def report(
        self,
        plan: Optional[PlanLike] = None,
        *,
        queue: Union[str, Queue] = "default",
    ) -> Plan:
        """A plan with its measured times, by default the one that the queue
        executed last: `measured_batch_count` of its batches have run as
        planned, were predicted to take `measured_predicted`, and took
        `measured_actual`. `plan_batches` has the times of each."""
        return await self._plan(
            plan,
            queue,
            lambda each: each.HasField("execute_time"),
            " that was executed",
        )

    async def explain(
        self, run: Union[str, Run], other: Union[str, Run]
    ) -> Explanation:
        """Why two runs can, or cannot, share a batch, field by field. `text`
        says it for people."""
        return await self._call(
            self._batching.ExplainRun,
            pb.ExplainRunRequest(run=name_of(run), other=name_of(other)),
        )

    async def batch_profile(self) -> BatchProfile:
        """How batches are priced, what workers have measured, and how far the
        predictions were off."""
        return await self._call(
            self._batching.GetBatchProfile, pb.GetBatchProfileRequest()
        )

    async def forget_learned(self, name: str = "", *, all: bool = False) -> int:
        """Forgets the learned figures of the model or device `name`, or of
        `all`; workers teach them again. Returns the number of kinds of work
        that had figures."""
        answer = await self._call(
            self._batching.ForgetLearned,
            pb.ForgetLearnedRequest(name=name, all=all),
        )
        return answer.work_count

    async def _plan(
        self,
        plan: Optional[PlanLike],
        queue: Union[str, Queue],
        suits: Callable[[Plan], bool],
        what: str,
    ) -> Plan:
        """The named plan, or the newest of `queue` that suits."""
        name = _stored(plan)
        if plan is None:
            async for each in self.plans(queue):
                if suits(each):
                    name = each.name
                    break
            else:
                place = name_in("queues", queue)
                raise errors.NotFound(
                    grpc.StatusCode.NOT_FOUND,
                    f"{place} has no plan{what}",
                    "PLAN_NOT_FOUND",
                )
        return await self._call(
            self._batching.GetPlan, pb.GetPlanRequest(name=name)
        )


def _stored(plan: Optional[PlanLike]) -> str:
    """The name of a plan; "" for none. ValueError if it is not stored."""
    if plan is None:
        return ""
    name = name_in("plans", plan)
    if name == "plans/":
        raise ValueError("there is no stored plan")
    return name


def _limits(planning: Mapping[str, object]) -> Optional[PlanningSettings]:
    return fill(PlanningSettings(), planning) if planning else None
