-- Format 1. Times are milliseconds since 1970, UTC.

CREATE TABLE meta (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE plans (
	hash TEXT PRIMARY KEY,
	body BLOB NOT NULL
) WITHOUT ROWID, STRICT;

-- fingerprint is the hash of the whole definition as it was first given: it
-- tells a repeated creation from a different one.
CREATE TABLE events (
	id          TEXT PRIMARY KEY,
	title       TEXT NOT NULL,
	venue       TEXT NOT NULL,
	starts      INTEGER NOT NULL,
	zone        TEXT NOT NULL,
	currency    TEXT NOT NULL,
	prices      TEXT NOT NULL,
	sales_open  INTEGER,
	sales_close INTEGER,
	plan        TEXT NOT NULL REFERENCES plans (hash),
	revision    INTEGER NOT NULL,
	fingerprint TEXT NOT NULL
) STRICT;

-- place is the seat's rank in the plan's order.
CREATE TABLE seats (
	event        TEXT NOT NULL,
	id           TEXT NOT NULL,
	place        INTEGER NOT NULL,
	status       TEXT NOT NULL,
	locked_by    TEXT,
	lock_time    INTEGER,
	locked_until INTEGER,
	booking      TEXT,
	version      INTEGER NOT NULL,
	PRIMARY KEY (event, id)
) WITHOUT ROWID, STRICT;

CREATE INDEX seats_due ON seats (locked_until) WHERE status = 'locked';
CREATE INDEX seats_held ON seats (event, locked_by) WHERE locked_by IS NOT NULL;

-- The clock of a holder for an event; over when deadline has passed.
CREATE TABLE locks (
	event    TEXT NOT NULL,
	holder   TEXT NOT NULL,
	started  INTEGER NOT NULL,
	deadline INTEGER NOT NULL,
	extended INTEGER NOT NULL,
	PRIMARY KEY (event, holder)
) WITHOUT ROWID, STRICT;

-- The feed: one row for all that one request changed, written in its
-- transaction. An empty body announces the event's definition.
CREATE TABLE changes (
	position INTEGER PRIMARY KEY,
	at       INTEGER NOT NULL,
	event    TEXT NOT NULL,
	body     TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
	token   TEXT PRIMARY KEY,
	data    BLOB NOT NULL,
	expires INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE INDEX sessions_expires ON sessions (expires);
