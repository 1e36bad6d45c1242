-- From which priority on waiting runs take the place of lower ones; 0: none do.
ALTER TABLE queues ADD COLUMN preempt_from INTEGER NOT NULL DEFAULT 0
  CHECK (preempt_from BETWEEN 0 AND 4);
