-- Format 6: events have tariffs, and the file keeps a trail of what became of
-- seats and bookings. Programs of formats 3 to 5 may go on: they leave both as
-- they are, so that what they change is missing in the trail.

-- JSON, in the order in which they are offered; NULL where there are none.
ALTER TABLE events ADD COLUMN tariffs TEXT;

-- Rows are added at the end and removed from the front. Positions are never used
-- again: who reads on from one finds all that came after it. seat is '' for what
-- is about a booking as a whole; status and version are NULL for what changes no
-- seat. Holders and persons are in none of them.
CREATE TABLE trail (
	position INTEGER PRIMARY KEY AUTOINCREMENT,
	at       INTEGER NOT NULL,
	event    TEXT NOT NULL,
	seat     TEXT NOT NULL,
	status   TEXT,
	version  INTEGER,
	booking  TEXT,
	reason   TEXT NOT NULL,
	who      TEXT NOT NULL
) STRICT;

CREATE INDEX trail_seat ON trail (event, seat);
CREATE INDEX trail_booking ON trail (booking) WHERE booking IS NOT NULL;

-- Programs of before have left copies of rows in the unused parts of pages, also of
-- persons. The pages of a new table have none, and those of the old one are
-- overwritten.
CREATE TABLE records_anew (
	kind    TEXT NOT NULL,
	id      TEXT NOT NULL,
	version INTEGER NOT NULL,
	expires INTEGER,
	body    TEXT NOT NULL,
	indexed TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (kind, id)
) WITHOUT ROWID, STRICT;

INSERT INTO records_anew SELECT kind, id, version, expires, body, indexed FROM records;
DROP TABLE records;
ALTER TABLE records_anew RENAME TO records;
CREATE INDEX records_expires ON records (expires) WHERE expires IS NOT NULL;
