"""What holds of a database at any moment, whatever happened before.

Reads the file itself with Python's sqlite3, by another path than the program:
what the program believes of itself is not asked.
"""

import collections
import json
import sqlite3
import time

QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = 1, 2, 3, 4, 5
FINAL = (SUCCEEDED, FAILED, CANCELLED)
RUN_INDEX_BITS = 17

# All numbers, so that none is ever given twice.
RESTORE_SKIPS = 1_000_000


def open_database(path):
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    database.row_factory = sqlite3.Row
    return database


def row_counts(path):
    """How many rows each table has: to see that a refusal changed nothing."""
    with_closing = open_database(path)
    try:
        tables = [
            name
            for (name,) in with_closing.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table'"
                " ORDER BY name"
            )
        ]
        return {
            name: with_closing.execute(
                f'SELECT count(*) FROM "{name}"'
            ).fetchone()[0]
            for name in tables
        }
    finally:
        with_closing.close()


def run_name(run_id):
    job, index = run_id >> RUN_INDEX_BITS, run_id % (1 << RUN_INDEX_BITS)
    return f"jobs/{job}/runs/{index}"


class Check:
    """One look at one database, in one read transaction."""

    def __init__(self, database, acked):
        self.db = database
        self.acked = acked or {}
        self.problems = []

    def rows(self, sql, *args):
        return self.db.execute(sql, args).fetchall()

    def expect(self, holds, problem):
        if not holds and len(self.problems) < 50:
            self.problems.append(problem)

    def none(self, sql, problem):
        """Each row that the statement finds is a problem."""
        for row in self.rows(sql):
            self.expect(False, f"{problem}: {dict(row)}")

    def all(self):
        self.db.execute("BEGIN")
        self.sound_file()
        self.event_numbers()
        self.job_counters()
        self.queue_counters()
        self.running_runs_are_held()
        self.requests()
        self.params()
        self.one_end_per_run()
        self.acknowledged()
        self.db.execute("ROLLBACK")
        return self.problems

    def sound_file(self):
        for (text,) in self.rows("PRAGMA integrity_check"):
            self.expect(text == "ok", f"integrity_check: {text}")
        for row in self.rows("PRAGMA foreign_key_check"):
            self.expect(False, f"foreign_key_check: {tuple(row)}")

    def event_numbers(self):
        numbers = [row[0] for row in self.rows(
            "SELECT sequence FROM events ORDER BY sequence")]
        counter = self.rows("SELECT value FROM counters WHERE name = 'event'")
        numbers.append(counter[0][0] + 1)
        for one, next_one in zip(numbers, numbers[1:]):
            self.expect(
                # Only a restored backup passes numbers over.
                next_one == one + 1 or next_one > one + RESTORE_SKIPS,
                f"the event after {one} is {next_one}",
            )

    def job_counters(self):
        self.none(
            f"""SELECT j.id, j.n_queued, j.n_running, j.n_succeeded,
                       j.n_failed, j.n_cancelled, j.run_count, r.*
                FROM jobs j LEFT JOIN (
                  SELECT id >> {RUN_INDEX_BITS} AS job, count(*) AS runs,
                         sum(state = 1) AS q, sum(state = 2) AS r,
                         sum(state = 3) AS s, sum(state = 4) AS f,
                         sum(state = 5) AS c
                  FROM runs GROUP BY 1) r ON r.job = j.id
                WHERE (j.run_count, j.n_queued, j.n_running, j.n_succeeded,
                       j.n_failed, j.n_cancelled)
                      IS NOT (r.runs, r.q, r.r, r.s, r.f, r.c)""",
            "a job's counters are not its runs' states",
        )
        self.none(
            f"""SELECT id FROM runs WHERE id >> {RUN_INDEX_BITS} NOT IN
                (SELECT id FROM jobs)""",
            "a run without a job",
        )
        self.none(
            """SELECT id, end_time FROM jobs
               WHERE (n_queued + n_running = 0) <> (end_time IS NOT NULL)""",
            "a job's end_time does not fit its runs",
        )

    def queue_counters(self):
        self.none(
            """SELECT q.name, q.queued, q.running, j.queued AS runs_queued,
                      j.running AS runs_running
               FROM queues q LEFT JOIN (
                 SELECT queue, sum(n_queued) AS queued,
                        sum(n_running) AS running
                 FROM jobs GROUP BY queue) j ON j.queue = q.name
               WHERE (q.queued, q.running)
                     <> (ifnull(j.queued, 0), ifnull(j.running, 0))""",
            "a queue's counters are not those of its jobs",
        )

    def running_runs_are_held(self):
        held = {}
        for batch in self.rows("SELECT * FROM batches"):
            for run in json.loads(batch["runs"]):
                held[run] = batch
        running = {
            run["id"]: run
            for run in self.rows("SELECT * FROM runs WHERE state = 2")
        }
        for run_id, run in running.items():
            batch = held.get(run_id)
            self.expect(
                batch is not None
                and batch["id"] == run["batch"]
                and batch["epoch"] == run["epoch"],
                f"{run_name(run_id)} is RUNNING, but no batch holds it:"
                f" {dict(run)}",
            )
        for run_id, batch in held.items():
            self.expect(
                run_id in running,
                f"batch {batch['id']} holds {run_name(run_id)}, which is not"
                " RUNNING",
            )

    def requests(self):
        self.none(
            """SELECT owner, request_id, count(*) AS n FROM jobs
               WHERE request_id IS NOT NULL GROUP BY 1, 2 HAVING n > 1""",
            "a request_id made several jobs",
        )
        self.none(
            """SELECT id FROM jobs AS j JOIN spent_requests AS s
               ON s.owner = j.owner AND s.request_id = j.request_id""",
            "a job whose request counts as spent",
        )

    def params(self):
        self.none(
            """SELECT id FROM jobs WHERE id NOT IN
               (SELECT job_id FROM job_params)""",
            "a job without its shared values",
        )

    def one_end_per_run(self):
        """By the events: a run that has ended changes only by a retry."""
        state = {}
        attempt = collections.Counter()
        for row in self.rows(
            "SELECT sequence, type, data FROM events ORDER BY sequence"
        ):
            data = json.loads(row["data"] or "{}")
            retried = data.get("reason") == "retried"
            for change in data.get("runs", ()):
                run, to = change["id"], change["state"]
                before = state.get(run)
                self.expect(
                    before not in FINAL or (retried and to == QUEUED),
                    f"{run_name(run)} went from {before} to {to} in event"
                    f" {row['sequence']}",
                )
                self.expect(
                    change["attempt"] >= attempt[run],
                    f"{run_name(run)}: attempt {change['attempt']} after"
                    f" {attempt[run]}",
                )
                state[run], attempt[run] = to, change["attempt"]
        for run in self.rows("SELECT id, state FROM runs"):
            told = state.get(run["id"])
            self.expect(
                told is None or told == run["state"],
                f"{run_name(run['id'])} is {run['state']}, the events say"
                f" {told}",
            )

    def acknowledged(self):
        jobs = {
            f"jobs/{row['id']}": (row["owner"], row["request_id"] or "")
            for row in self.rows("SELECT id, owner, request_id FROM jobs")
        }
        deleted = {
            f"jobs/{row['job']}"
            for row in self.rows("SELECT job FROM events WHERE type = 3")
        }
        for job, who in self.acked.items():
            if job in deleted:
                continue
            self.expect(job in jobs, f"{job} was acknowledged and is gone")
            self.expect(
                job not in jobs or jobs[job] == who,
                f"{job} belongs to {jobs.get(job)}, not to {who}",
            )


def check(path, acked=None):
    """Raises AssertionError with all that is wrong."""
    database = open_database(path)
    try:
        problems = Check(database, acked).all()
    finally:
        database.close()
    if problems:
        raise AssertionError("\n".join(["the database is wrong:", *problems]))


def check_drained(path):
    """And nothing is left to do."""
    database = open_database(path)
    try:
        left = database.execute(
            "SELECT state, count(*) FROM runs WHERE state IN (1, 2)"
            " GROUP BY state"
        ).fetchall()
        batches = database.execute("SELECT count(*) FROM batches").fetchone()
    finally:
        database.close()
    if left or batches[0]:
        raise AssertionError(
            f"not drained: {[tuple(row) for row in left]} runs by state,"
            f" {batches[0]} batches, at {time.ctime()}"
        )
