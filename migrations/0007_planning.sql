-- The number of the first batch of a plan that may still wait: all batches before
-- it have been handed out.
ALTER TABLE plans ADD COLUMN next_batch INTEGER NOT NULL DEFAULT 1;

-- The shortest time that a batch waits for company, in milliseconds. Then how far
-- the plans of a queue may go: milliseconds by which a run may end later (NULL:
-- any), the worth of waiting in hundredths of device time, the knee at which
-- batches end (0: not there), whether priorities may mix.
ALTER TABLE queues ADD COLUMN wait_min INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN harm_max INTEGER;
ALTER TABLE queues ADD COLUMN waiting_percent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN knee_percent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN across_priorities INTEGER NOT NULL DEFAULT 0
  CHECK (across_priorities BETWEEN 0 AND 1);
