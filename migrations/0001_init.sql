-- Sheaf's first schema. docs/schema.md explains it for whoever opens the file
-- without the program. Times are milliseconds since 1970 (UTC); NULL stands for
-- "never" or "not yet". Text columns that hold JSON say so. Checks of closed
-- sets are ranges: for IN, SQLite builds a table at each write (12 us).

PRAGMA application_id = 1397245254;  -- "SHEF"

CREATE TABLE schema_migrations (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  applied_at INTEGER NOT NULL,
  app_version TEXT NOT NULL
) STRICT;

-- The last number given out, by kind of thing. Numbers are never given twice.
CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL CHECK (value >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES
  ('job', 0), ('batch', 0), ('epoch', 0), ('worker', 0), ('lane', 0),
  ('event', 0);

CREATE TABLE queues (
  name TEXT PRIMARY KEY,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
  pause_mode INTEGER NOT NULL CHECK (pause_mode BETWEEN 1 AND 2),
  batch_size INTEGER NOT NULL,
  attempts_max INTEGER NOT NULL,
  runs_max INTEGER NOT NULL,
  keep_succeeded INTEGER,
  keep_failed INTEGER,
  keep_cancelled INTEGER,
  revision INTEGER NOT NULL,
  version INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  pause_time INTEGER,
  resume_time INTEGER,
  queued INTEGER NOT NULL CHECK (queued >= 0),
  running INTEGER NOT NULL CHECK (running >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE lanes (
  id INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  kind TEXT NOT NULL,
  model TEXT NOT NULL,
  vae TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  UNIQUE (queue, kind, model, vae, width, height)
) STRICT;

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  kind TEXT NOT NULL,
  priority INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 4),
  owner TEXT NOT NULL,
  labels TEXT NOT NULL,  -- JSON object
  request_id TEXT,
  payload_digest TEXT NOT NULL,
  run_count INTEGER NOT NULL,
  attempts_max INTEGER NOT NULL,
  n_queued INTEGER NOT NULL CHECK (n_queued >= 0),
  n_running INTEGER NOT NULL CHECK (n_running >= 0),
  n_succeeded INTEGER NOT NULL CHECK (n_succeeded >= 0),
  n_failed INTEGER NOT NULL CHECK (n_failed >= 0),
  n_cancelled INTEGER NOT NULL CHECK (n_cancelled >= 0),
  create_time INTEGER NOT NULL,
  run_time INTEGER NOT NULL,
  start_deadline INTEGER,
  start_time INTEGER,
  end_time INTEGER,
  expire_time INTEGER,
  version INTEGER NOT NULL,
  CHECK (n_queued + n_running + n_succeeded + n_failed + n_cancelled
         = run_count)
) STRICT;

CREATE UNIQUE INDEX jobs_request ON jobs (owner, request_id)
  WHERE request_id IS NOT NULL;
CREATE INDEX jobs_expire ON jobs (expire_time) WHERE expire_time IS NOT NULL;

-- Values that all runs of a job share, apart from its state so that a change
-- of state does not rewrite a prompt.
CREATE TABLE job_params (
  job_id INTEGER PRIMARY KEY REFERENCES jobs (id),
  shared TEXT NOT NULL  -- JSON object
) STRICT;

-- id = job * 131072 + index of the run in its job.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  lane INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),
  priority INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 4),
  run_time INTEGER NOT NULL,
  start_deadline INTEGER,
  attempts_max INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  crashes INTEGER NOT NULL,
  alone INTEGER NOT NULL CHECK (alone BETWEEN 0 AND 1),
  cancel_requested INTEGER NOT NULL CHECK (cancel_requested BETWEEN 0 AND 1),
  batch INTEGER,
  epoch INTEGER NOT NULL,
  worker TEXT,
  start_time INTEGER,
  end_time INTEGER,
  error TEXT,  -- JSON object
  outputs TEXT,  -- JSON array
  CHECK (state <> 2 OR batch IS NOT NULL),
  CHECK (state < 3 OR end_time IS NOT NULL)
) STRICT;

-- The line of waiting runs; within one place, the id decides.
CREATE INDEX runs_ready ON runs (lane, priority DESC, run_time)
  WHERE state = 1;
CREATE INDEX runs_deadline ON runs (start_deadline)
  WHERE state = 1 AND start_deadline IS NOT NULL;

-- Values of a run's own; no row where it has none.
CREATE TABLE run_params (
  run_id INTEGER PRIMARY KEY REFERENCES runs (id),
  params TEXT NOT NULL  -- JSON object
) STRICT;

-- Ended tries of runs that were tried again.
CREATE TABLE attempts (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  attempt INTEGER NOT NULL,
  worker TEXT,
  batch INTEGER,
  epoch INTEGER NOT NULL,
  start_time INTEGER,
  end_time INTEGER,
  outcome INTEGER NOT NULL CHECK (outcome BETWEEN 1 AND 5),
  error TEXT,  -- JSON object
  PRIMARY KEY (run_id, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE batches (
  id INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  worker INTEGER NOT NULL,
  worker_name TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  lease_expire_time INTEGER NOT NULL,
  start_time INTEGER NOT NULL,
  runs TEXT NOT NULL  -- JSON array of run ids
) STRICT;

CREATE INDEX batches_lease ON batches (lease_expire_time);

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  type INTEGER NOT NULL,
  queue TEXT NOT NULL,
  job INTEGER,
  batch INTEGER,
  worker TEXT,
  data TEXT  -- JSON object
) STRICT;

CREATE TABLE artifacts (
  digest TEXT PRIMARY KEY,
  size INTEGER NOT NULL CHECK (size >= 0),
  media_type TEXT NOT NULL,
  create_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX artifacts_age ON artifacts (create_time, size);

CREATE TABLE artifact_refs (
  digest TEXT NOT NULL,
  job_id INTEGER NOT NULL REFERENCES jobs (id),
  PRIMARY KEY (digest, job_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX artifact_refs_job ON artifact_refs (job_id);
