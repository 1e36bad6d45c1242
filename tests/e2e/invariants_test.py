"""The checker itself: whatever is broken, it must see."""

import shutil
import sqlite3
import unittest

import fixture
import invariants
from wire import from_now


class InvariantsTest(fixture.Case):
    # How to break it, and what must then be said.
    BREAKS = [
        ("UPDATE jobs SET n_queued = n_queued - 1, n_failed = n_failed + 1"
         " WHERE id = 1", "counters are not its runs' states"),
        ("UPDATE runs SET state = 5, end_time = 1 WHERE id = 2 << 17",
         "counters are not its runs' states"),
        ("UPDATE queues SET queued = queued + 1",
         "a queue's counters are not"),
        ("DELETE FROM runs WHERE id = (2 << 17) + 1",
         "counters are not its runs' states"),
        ("DELETE FROM events WHERE sequence = 3", "the event after 2 is 4"),
        ("UPDATE counters SET value = value + 1 WHERE name = 'event'",
         "the event after"),
        ("DELETE FROM batches", "but no batch holds it"),
        ("UPDATE batches SET epoch = epoch + 1", "but no batch holds it"),
        ("UPDATE runs SET state = 1, batch = NULL WHERE state = 2",
         "which is not RUNNING"),
        ("DELETE FROM job_params WHERE job_id = 1",
         "without its shared values"),
        ("UPDATE events SET data = replace(data, '\"state\":3',"
         " '\"state\":4') WHERE data LIKE '%\"state\":3%'",
         "the events say 4"),
        ("INSERT INTO events SELECT sequence + 1, time, type, queue, job,"
         " batch, worker, replace(data, '\"state\":3', '\"state\":4')"
         " FROM events WHERE sequence = (SELECT max(sequence) FROM events)",
         "went from 3 to 4"),
        ("DELETE FROM artifact_refs; DELETE FROM run_params;"
         " DELETE FROM job_params; DELETE FROM runs; DELETE FROM jobs",
         "was acknowledged and is gone"),
        ("UPDATE jobs SET request_id = 'other' WHERE id = 1",
         "belongs to"),
        ("DROP INDEX jobs_request;"
         " UPDATE jobs SET request_id = 'a', owner = ''",
         "a request_id made several jobs"),
        ("INSERT INTO spent_requests SELECT owner, request_id,"
         " payload_digest, id, 1 FROM jobs WHERE request_id = 'a'",
         "whose request counts as spent"),
    ]

    def test_each_break_is_seen(self):
        cluster = self.cluster()
        # Some that wait, some that run, and as the last event one that ended.
        cluster.submit(2, request_id="a", run_time=from_now(3600))
        cluster.submit(2, request_id="b", run_time=from_now(3600))
        holder = cluster.worker(time_scale=1, queues="queues/held",
                                name="holder")
        cluster.create_queue("held")
        held = cluster.submit(2, queue="held", shared={"steps": 1000})
        fixture.until(lambda: set(cluster.states(held)) == {"RUNNING"},
                      "they run")
        cluster.worker(name="other", queues="queues/default")
        fixture.until(lambda: len(cluster.list_workers()) == 2, "both are in")
        cluster.wait(cluster.submit(1))
        cluster.kill()
        holder.kill()
        invariants.check(cluster.database, cluster.acked)
        for sql, said in self.BREAKS:
            with self.subTest(sql):
                broken = cluster.database + ".broken"
                for suffix in ("", "-wal"):
                    shutil.copy(cluster.database + suffix, broken + suffix)
                database = sqlite3.connect(broken)
                database.execute("PRAGMA ignore_check_constraints = 1")
                database.executescript(sql)
                database.close()
                with self.assertRaises(AssertionError) as caught:
                    invariants.check(broken, cluster.acked)
                self.assertIn(said, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
