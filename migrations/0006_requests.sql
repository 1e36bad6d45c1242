-- A request_id holds as long as the job it made, and for some time after that
-- was deleted: what it made is no longer read from the job.

CREATE TABLE requests (
  owner TEXT NOT NULL,
  request_id TEXT NOT NULL,
  payload_digest TEXT NOT NULL,
  job_id INTEGER NOT NULL,
  delete_time INTEGER,  -- of the job; NULL as long as it is there
  PRIMARY KEY (owner, request_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX requests_deleted ON requests (delete_time)
  WHERE delete_time IS NOT NULL;

INSERT INTO requests (owner, request_id, payload_digest, job_id)
  SELECT owner, request_id, payload_digest, id FROM jobs
  WHERE request_id IS NOT NULL;

DROP INDEX jobs_request;

-- For counting the lanes that an owner has.
CREATE INDEX lanes_owner ON lanes (owner);
