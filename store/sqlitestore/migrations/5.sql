-- Format 5: clocks count what their holder has reserved and not paid for, and
-- events have terms for bookings. Programs of formats 3 and 4 may go on: they
-- leave these as they are.

ALTER TABLE clocks ADD COLUMN unpaid INTEGER NOT NULL DEFAULT 0;

-- Those programs remove a clock that is over, whatever is unpaid.
CREATE TRIGGER clocks_unpaid BEFORE DELETE ON clocks WHEN OLD.unpaid > 0
BEGIN
	SELECT RAISE(IGNORE);
END;

-- JSON, with durations in nanoseconds; NULL where all are the default.
ALTER TABLE events ADD COLUMN terms TEXT;
