-- Format 4: events can be hidden, seats tell that their clock was extended, and
-- the file knows the runs of servers on it. Programs of format 3 may go on: they
-- leave these as they are.

ALTER TABLE events ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;

-- The clock was extended if this is locked_until: what a program of format 3
-- locks anew has another one.
ALTER TABLE seats ADD COLUMN extended_until INTEGER;

-- For locks that start in the future.
CREATE INDEX seats_begun ON seats (lock_time) WHERE status = 'locked';

-- The runs before this one, whose epoch is in meta: a cursor of one of them is
-- a place in this one, if it is not behind the position at which that run ended.
CREATE TABLE runs (
	number INTEGER PRIMARY KEY,
	epoch  TEXT NOT NULL UNIQUE,
	ended  INTEGER NOT NULL
) STRICT;
