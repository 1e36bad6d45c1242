#!/usr/bin/env python3
"""A scheduler of your own: plans a queue whenever ten jobs wait in it.

    scheduler.py [QUEUE [PLANS]]

It listens to the queue's events and counts the jobs that came and still wait.
Once there are ten, it asks for a plan, which the server executes if that saves
enough time. The queue need not be paused, and several schedulers may run at
once. It ends after PLANS executed plans, or with Ctrl-C. Talks to the server
that SHEAF_SERVER names, or to 127.0.0.1:7420.
"""

import sys
from typing import List, Set

import sheaf

WAITING_MIN = 10
SPEEDUP_MIN = 1.1


def waiting_in(client: sheaf.Client, queue: str) -> Set[str]:
    jobs = client.list(f'queue = "{queue}" AND state = QUEUED')
    return {job.name for job in jobs}


def main(words: List[str]) -> int:
    queue = words[0] if words else "default"
    plans_left = int(words[1]) if len(words) > 1 else -1
    with sheaf.Client() as client:
        # Where the events stand is asked before what waits: nothing is missed.
        last = client.server_info().last_event_sequence
        waiting = waiting_in(client, queue)
        print(f"{len(waiting)} jobs wait in {queue}", flush=True)
        events = client.watch(after_sequence=last, queue=queue)
        while plans_left != 0:
            if len(waiting) >= WAITING_MIN:
                result = client.analyze_and_execute(
                    queue, min_speedup=SPEEDUP_MIN, actor="scheduler"
                )
                print(result.message, flush=True)
                plans_left -= bool(result)
                waiting.clear()  # They have had their plan.
                continue
            event = next(events)
            if isinstance(event, sheaf.WatchResync):
                waiting = waiting_in(client, queue)
            elif isinstance(event, sheaf.Event):
                if event.type == sheaf.EventType.EVENT_TYPE_JOB_SUBMITTED:
                    waiting.add(event.job)
                for change in event.runs:
                    if change.state != sheaf.RunState.RUN_STATE_QUEUED:
                        waiting.discard(change.run.partition("/runs/")[0])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        pass
    except sheaf.Error as error:
        print(error, file=sys.stderr)
        sys.exit(1)
