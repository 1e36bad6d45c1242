-- Each lease has a secret of 16 random bytes that its worker was given and shows
-- with every report; NULL: from a version that knew none. A run keeps a mark of
-- the hold it was last run under, by which a report said twice is known when the
-- lease is gone; nobody can tell the secret by it. 0: none.
ALTER TABLE batches ADD COLUMN secret BLOB;
ALTER TABLE runs ADD COLUMN hold INTEGER NOT NULL DEFAULT 0;
