-- Format 2: a clock remembers the requests that were granted, as JSON; '' for
-- none.
ALTER TABLE locks ADD COLUMN grants TEXT NOT NULL DEFAULT '';
