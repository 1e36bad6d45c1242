"""Calls of BatchingService, for the tests of plans and of policies."""

import fixture
from wire import CALL_TIMEOUT, pb, refusal


class Case(fixture.Case):
    def paused(self, **options):
        cluster = self.cluster(**options)
        cluster.pause()
        return cluster

    def analyze(self, cluster, mode=pb.BATCHING_MODE_BEST, **fields):
        return cluster.batching.AnalyzeQueue(
            pb.AnalyzeQueueRequest(queue="queues/default", mode=mode, **fields),
            timeout=CALL_TIMEOUT,
        )

    def batches(self, cluster, plan):
        batches, token = [], ""
        while True:
            page = cluster.batching.ListPlanBatches(
                pb.ListPlanBatchesRequest(
                    plan=plan.name, page_size=3, page_token=token),
                timeout=CALL_TIMEOUT,
            )
            batches.extend(page.batches)
            token = page.next_page_token
            if not token:
                return batches

    def execute(self, cluster, name="", **fields):
        return cluster.batching.ExecutePlan(
            pb.ExecutePlanRequest(
                name=name, queue="queues/default", **fields),
            timeout=CALL_TIMEOUT,
        )

    def refused(self, act, *args, **fields):
        """The refusal of one of the calls above."""
        return refusal(lambda timeout: act(*args, **fields))

    def undo(self, cluster, name):
        return cluster.batching.UndoPlan(
            pb.UndoPlanRequest(name=name), timeout=CALL_TIMEOUT)


def weights(**controls):
    return {"weights": controls}
