-- A request_id holds as long as the job that it made, and for some time after
-- that was deleted. As long as the job is there, its row says what it made; this
-- table has those whose job is gone.

CREATE TABLE spent_requests (
  owner TEXT NOT NULL,
  request_id TEXT NOT NULL,
  payload_digest TEXT NOT NULL,
  job_id INTEGER NOT NULL,
  delete_time INTEGER NOT NULL,  -- of the job
  PRIMARY KEY (owner, request_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX spent_requests_by_time ON spent_requests (delete_time);

-- Milliseconds that an attempt of a run may take; NULL: no limit.
ALTER TABLE queues ADD COLUMN run_duration_max INTEGER;

-- For counting the lanes that an owner has.
CREATE INDEX lanes_owner ON lanes (owner);
