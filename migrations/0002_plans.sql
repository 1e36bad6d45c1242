-- Plans: which waiting runs shall go through the model together. A plan is
-- written in slices while it is being stored, and means nothing to anybody
-- before its queue names it.

INSERT INTO counters (name, value) VALUES ('plan', 0);

-- The plan by which the queue's runs are batched; NULL where there is none.
ALTER TABLE queues ADD COLUMN plan INTEGER;

-- How runs are batched that are in no plan: 1 job by job, 2 adaptive, 3 economic,
-- 4 by plans that the server makes itself.
ALTER TABLE queues ADD COLUMN policy INTEGER NOT NULL DEFAULT 1
  CHECK (policy BETWEEN 1 AND 4);
ALTER TABLE queues ADD COLUMN batch_min INTEGER NOT NULL DEFAULT 1;
ALTER TABLE queues ADD COLUMN wait_max INTEGER NOT NULL DEFAULT 2000;
ALTER TABLE queues ADD COLUMN threshold INTEGER NOT NULL DEFAULT 8;
ALTER TABLE queues ADD COLUMN gain_min_percent INTEGER NOT NULL DEFAULT 10;

CREATE TABLE plans (
  id INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),
  live INTEGER NOT NULL CHECK (live BETWEEN 0 AND 1),
  revision INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  run_count INTEGER NOT NULL,
  job_count INTEGER NOT NULL,
  batch_count INTEGER NOT NULL,
  mode TEXT NOT NULL,
  report TEXT NOT NULL,  -- JSON object
  preview TEXT NOT NULL,
  request_id TEXT,
  former INTEGER,
  create_time INTEGER NOT NULL,
  expire_time INTEGER NOT NULL,
  execute_time INTEGER,
  start_time INTEGER
) STRICT;

CREATE INDEX plans_queue ON plans (queue, id);
CREATE INDEX plans_expire ON plans (expire_time);

CREATE TABLE plan_batches (
  plan INTEGER NOT NULL REFERENCES plans (id),
  number INTEGER NOT NULL,
  runs TEXT NOT NULL,  -- JSON array of run ids
  info TEXT NOT NULL,  -- JSON object
  predicted_ms INTEGER NOT NULL,
  actual_ms INTEGER,  -- once it has run as planned
  PRIMARY KEY (plan, number)
) STRICT, WITHOUT ROWID;

-- Which batch of a plan a run is in.
CREATE TABLE plan_runs (
  plan INTEGER NOT NULL REFERENCES plans (id),
  run_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (plan, run_id)
) STRICT, WITHOUT ROWID;

-- What finished batches have taught, by what it is about.
CREATE TABLE learned (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL  -- JSON
) STRICT, WITHOUT ROWID;
