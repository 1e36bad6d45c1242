-- Runs wait in lanes of their owners, so that owners can take turns; what each
-- owner has waiting and running is counted; runs that ask for the very same
-- picture may share one.

CREATE TABLE owners (
  name TEXT PRIMARY KEY,
  queued INTEGER NOT NULL CHECK (queued >= 0),
  running INTEGER NOT NULL CHECK (running >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO owners (name, queued, running)
  SELECT owner, sum(n_queued), sum(n_running) FROM jobs
  GROUP BY owner HAVING sum(n_queued + n_running) > 0;

CREATE TABLE lanes_by_owner (
  id INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  owner TEXT NOT NULL,
  kind TEXT NOT NULL,
  model TEXT NOT NULL,
  vae TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  UNIQUE (queue, owner, kind, model, vae, width, height)
) STRICT;

-- A run's job is its id without the index in it.
INSERT INTO lanes_by_owner (queue, owner, kind, model, vae, width, height)
  SELECT DISTINCT l.queue, j.owner, l.kind, l.model, l.vae, l.width, l.height
  FROM runs AS r JOIN lanes AS l ON l.id = r.lane
  JOIN jobs AS j ON j.id = r.id >> 17;

UPDATE runs SET lane = (
  SELECT b.id FROM lanes AS l JOIN lanes_by_owner AS b
  ON b.queue = l.queue AND b.kind = l.kind AND b.model = l.model
  AND b.vae = l.vae AND b.width = l.width AND b.height = l.height
  WHERE l.id = runs.lane
  AND b.owner = (SELECT owner FROM jobs WHERE jobs.id = runs.id >> 17));

DROP TABLE lanes;
ALTER TABLE lanes_by_owner RENAME TO lanes;
UPDATE counters SET value =
  max(value, (SELECT coalesce(max(id), 0) FROM lanes)) WHERE name = 'lane';

-- Whether equal runs share one picture.
ALTER TABLE queues ADD COLUMN twins INTEGER NOT NULL DEFAULT 0
  CHECK (twins BETWEEN 0 AND 1);
-- JSON array: a run that waits for another's picture, that other, and so on.
ALTER TABLE batches ADD COLUMN twins TEXT;
