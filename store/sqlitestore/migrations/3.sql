-- Format 3: clocks have a table of their own name, changes have a reason, and
-- sessions are records. Programs of format 2 would take a change without
-- "lapsed" for a seat that was given back, so none of them may go on.

ALTER TABLE locks RENAME TO clocks;

-- version grows by one with every write for the holder.
ALTER TABLE clocks ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- What is no seat. body is a JSON object, indexed the values of the kind's
-- indexes, as JSON by their names; '' for none.
CREATE TABLE records (
	kind    TEXT NOT NULL,
	id      TEXT NOT NULL,
	version INTEGER NOT NULL,
	expires INTEGER,
	body    TEXT NOT NULL,
	indexed TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (kind, id)
) WITHOUT ROWID, STRICT;

CREATE INDEX records_expires ON records (expires) WHERE expires IS NOT NULL;

-- One row for each value by which a record is listed.
CREATE TABLE record_index (
	kind  TEXT NOT NULL,
	name  TEXT NOT NULL,
	value TEXT NOT NULL,
	id    TEXT NOT NULL,
	PRIMARY KEY (kind, name, value, id)
) WITHOUT ROWID, STRICT;

INSERT INTO records (kind, id, version, expires, body)
	SELECT 'session', token, 1, expires, CAST(data AS TEXT) FROM sessions;

DROP TABLE sessions;
