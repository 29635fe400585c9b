package sqlitestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
)

// maxFindings bounds what a check tells of a file that is wrong all over.
const maxFindings = 1000

// Check looks whether all that must be true of the store at path is true, as it
// stands at one instant, and tells what is not; none is a sound store. Servers
// and commands may work on it meanwhile, and nothing is written.
//
// It reads the whole file, and keeps the newest change of each seat that the
// feed tells of in memory. An error means that the file could not be checked,
// and is one line; findings are a thousand at most.
func Check(ctx context.Context, path string) ([]store.Finding, error) {
	found, err := checkFile(ctx, path)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultCorrupt {
		return []store.Finding{store.Findingf("the file is damaged: %v", err)}, nil
	}
	if err != nil {
		return nil, explain(path, err)
	}
	return found, nil
}

func checkFile(ctx context.Context, path string) (found []store.Finding, err error) {
	err = lookInto(ctx, path, func(r reader) error {
		c := &checker{reader: r}
		if err := c.file(); err != nil || len(c.found) > 0 {
			found = c.found // what the file says is not to be relied on
			return err
		}
		format, err := c.format()
		if err == nil {
			err = format.Check()
		}
		if err != nil {
			return err
		}
		found, err = c.contents(format)
		return err
	})
	return found, err
}

// lookInto reads a store that is there, as it stands at one instant, over a
// connection that cannot write.
func lookInto(ctx context.Context, path string, read func(reader) error) (err error) {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return err
	}
	defer conn.Close() // it has only read
	conn.SetBusyTimeout(busyTimeout)
	conn.SetInterrupt(ctx.Done())
	defer conn.SetInterrupt(nil)
	end := sqlitex.Transaction(conn)
	defer end(&err)
	r := reader{Conn: conn, now: time.Now().UTC()}
	switch isNew, err := r.isNew(); {
	case err != nil:
		return err
	case isNew:
		return errNotOurs
	}
	return read(r)
}

// asCurrent has the tables of an older format read as those of the current one.
// The views are the connection's alone.
func (c *checker) asCurrent(format int) error {
	for _, added := range []struct {
		format         int
		table, columns string
	}{
		{3, "seats", "NULL AS extended_until"},
		{3, "events", "0 AS hidden, NULL AS terms, NULL AS tariffs"},
		{4, "events", "NULL AS terms, NULL AS tariffs"},
		{5, "events", "NULL AS tariffs"},
		{3, "clocks", "0 AS unpaid"},
		{4, "clocks", "0 AS unpaid"},
	} {
		if added.format == format {
			if _, err := c.exec("CREATE TEMP VIEW " + added.table + " AS SELECT *, " + added.columns + " FROM main." + added.table); err != nil {
				return err
			}
		}
	}
	return nil
}

// contents checks what the file says, part by part.
func (c *checker) contents(format store.Format) ([]store.Finding, error) {
	if err := c.asCurrent(format.Number); err != nil {
		return nil, err
	}
	newest, err := c.newestChange()
	if err != nil {
		return nil, err
	}
	if newest.After(c.now) { // the store stands still until that time has come
		c.now = newest
	}
	parts := []func() error{c.meta, c.events, c.strays, c.feed, c.seats, c.clocks, c.records, c.bookings}
	if format.Number >= 4 {
		parts = append(parts, c.runs)
	}
	if format.Number >= 6 {
		parts = append(parts, c.trail)
	}
	for _, part := range parts {
		if err := part(); err != nil {
			return nil, err
		}
		if len(c.found) >= maxFindings {
			return append(c.found[:maxFindings-1:maxFindings-1], "and more, which are not told"), nil
		}
	}
	return c.found, nil
}

// checker is a check in one transaction.
type checker struct {
	reader
	found  []store.Finding
	first  int64               // the first position that is kept of the feed
	told   map[string]int      // how often the feed told of an event itself
	newest map[seatOf]lastTold // of each seat
}

type seatOf struct{ event, seat string }

// lastTold is the newest change of a seat, and how often its event had been
// told of by then: an event that was removed and made again begins anew.
type lastTold struct {
	store.Change
	told int
}

func (c *checker) add(found ...store.Finding) { c.found = append(c.found, found...) }

// damaged makes a finding of what a row cannot be read as.
func (c *checker) damaged(err error) error {
	if errors.Is(err, errDamaged) {
		c.add(store.Findingf("%v", err))
		return nil
	}
	return err
}

// file has SQLite check the file: its pages, its tables and their indexes.
func (c *checker) file() error {
	return sqlitex.ExecuteTransient(c.Conn, "PRAGMA integrity_check(100)", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			if line := stmt.ColumnText(0); line != "ok" {
				c.add(store.Findingf("the file is damaged: %s", line))
			}
			return nil
		},
	})
}

func (c *checker) meta() error {
	for _, name := range []string{"epoch", "secret"} {
		if _, err := c.reader.meta(name); err != nil {
			if err := c.damaged(err); err != nil {
				return err
			}
		}
	}
	if secret, err := c.secret(); err != nil || len(secret) != 32 {
		c.add("the secret is not 32 bytes")
	}
	return nil
}

func (c *checker) events() error {
	counts := map[string]int{}
	err := c.each(`SELECT event, count(*), count(DISTINCT place) FROM seats GROUP BY event`, func(stmt *sqlite.Stmt) error {
		event := stmt.ColumnText(0)
		counts[event] = stmt.ColumnInt(1)
		if stmt.ColumnInt(1) != stmt.ColumnInt(2) {
			c.add(store.Findingf("event %s: several seats have one rank in the plan's order", event))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.each(`SELECT `+eventColumns+` FROM events ORDER BY id`, func(stmt *sqlite.Stmt) error {
		d, err := scanDefinition(stmt)
		if err != nil {
			return c.damaged(err)
		}
		plan, err := c.plan(d.Plan)
		c.add(store.CheckEvent(d.Event, plan, counts[d.ID])...)
		return err
	})
}

// plan reads a plan; nil is none.
func (c *checker) plan(hash string) (body []byte, err error) {
	err = c.each(`SELECT body FROM plans WHERE hash = ?`, func(stmt *sqlite.Stmt) error {
		body = make([]byte, stmt.ColumnLen(0))
		stmt.ColumnBytes(0, body)
		return nil
	}, hash)
	return body, err
}

// strays finds what belongs to an event that is not there.
func (c *checker) strays() error {
	return c.each(`SELECT DISTINCT 'seats', event FROM seats WHERE event NOT IN (SELECT id FROM events)
		UNION ALL SELECT DISTINCT 'clocks', event FROM clocks WHERE event NOT IN (SELECT id FROM events)`,
		func(stmt *sqlite.Stmt) error {
			c.add(store.Findingf("there are %s of %s, and no such event", stmt.ColumnText(0), stmt.ColumnText(1)))
			return nil
		})
}

// feed checks that no position is left out, and each seat's versions neither.
func (c *checker) feed() error {
	c.told, c.newest = map[string]int{}, map[seatOf]lastTold{}
	var last int64
	return c.each(`SELECT position, event, body FROM changes ORDER BY position`, func(stmt *sqlite.Stmt) error {
		position, event, body := stmt.ColumnInt64(0), stmt.ColumnText(1), stmt.ColumnText(2)
		if last == 0 {
			c.first = position
		} else if position != last+1 {
			c.add(store.Findingf("the feed goes from position %d to %d", last, position))
		}
		last = position
		if body == "" {
			c.told[event]++
			return nil
		}
		changes, err := decodeChanges(event, body, nil)
		for _, change := range changes {
			c.tell(change)
		}
		return c.damaged(err)
	})
}

func (c *checker) tell(change store.Change) {
	at := seatOf{change.Event, change.Seat.ID}
	before, told := c.newest[at], c.told[change.Event]
	if before.told == told || change.Seat.Version != 2 {
		c.add(store.CheckNext(before.Change, change)...)
	}
	c.newest[at] = lastTold{change, told}
}

func (c *checker) seats() error {
	return c.each(`SELECT `+seatColumns+`, event FROM seats ORDER BY event, id`, func(stmt *sqlite.Stmt) error {
		seat := scanSeat(stmt)
		event := stmt.ColumnText(stmt.ColumnCount() - 1)
		var clock store.Clock
		if seat.Status == store.Locked || seat.Status == store.Paying {
			var err error
			if clock, err = c.clock(event, seat.LockedBy); err != nil && !errors.Is(err, errDamaged) {
				return err // clocks tells of one that cannot be read
			}
		}
		c.add(store.CheckSeat(event, seat, clock, c.now)...)
		newest, known := c.newest[seatOf{event, seat.ID}]
		switch {
		case known && newest.told < c.told[event] && seat.Version == 1: // of the event made again
		case known:
			c.add(store.CheckNewest(seat, newest.Change)...)
		case c.first == 1 && seat.Version > 1:
			c.add(store.Findingf("seat %s of %s: version %d, and the feed, which is whole, tells of no change", seat.ID, event, seat.Version))
		}
		return nil
	})
}

func (c *checker) clocks() error {
	return c.each(`SELECT event, holder FROM clocks ORDER BY event, holder`, func(stmt *sqlite.Stmt) error {
		event := stmt.ColumnText(0)
		clock, err := c.clock(event, store.Holder(stmt.ColumnText(1)))
		if err != nil {
			return c.damaged(fmt.Errorf("event %s: %w", event, err))
		}
		c.add(store.CheckClock(event, clock)...)
		return nil
	})
}

// records checks that each record stands in its indexes by its values, and that
// nothing else stands there.
func (c *checker) records() error {
	listed := int64(0)
	err := c.each(`SELECT `+recordColumns+` FROM records AS r ORDER BY r.kind, r.id`, func(stmt *sqlite.Stmt) error {
		record, err := scanRecord(stmt)
		if err != nil {
			return c.damaged(err)
		}
		if record.Version < 1 || !json.Valid(record.Body) {
			c.add(store.Findingf("a record of kind %s is not as records are", record.Kind))
		}
		c.add(store.CheckRecord(record, c.now)...)
		for name, value := range record.Index {
			there := false
			err := c.each(`SELECT 1 FROM record_index WHERE kind = ?1 AND name = ?2 AND value = ?3 AND id = ?4`,
				func(*sqlite.Stmt) error { there = true; return nil }, record.Kind, name, value, record.ID)
			if err != nil {
				return err
			}
			if !there {
				c.add(store.Findingf("a record of kind %s is missing in the index %s", record.Kind, name))
				continue
			}
			listed++
		}
		return nil
	})
	if err != nil {
		return err
	}
	all, err := c.number(`SELECT count(*) FROM record_index`)
	if err == nil && all != listed {
		c.add(store.Findingf("the indexes list %d records more than there are", all-listed))
	}
	return err
}

// bookings checks those of one event after the other, also of events that were
// removed.
func (c *checker) bookings() error {
	var events []string
	err := c.each(`SELECT id FROM events UNION SELECT value FROM record_index WHERE kind = ?1 AND name = 'event' ORDER BY 1`,
		func(stmt *sqlite.Stmt) error {
			events = append(events, stmt.ColumnText(0))
			return nil
		}, store.BookingRecord)
	for _, event := range events {
		if err == nil {
			err = c.bookingsOf(event)
		}
	}
	return err
}

func (c *checker) bookingsOf(event string) error {
	seats, err := c.claimed(event)
	if err != nil {
		return err
	}
	clocks := map[store.Holder]store.Clock{}
	err = c.each(`SELECT holder, unpaid FROM clocks WHERE event = ?1`, func(stmt *sqlite.Stmt) error {
		clocks[store.Holder(stmt.ColumnText(0))] = store.Clock{Unpaid: stmt.ColumnInt(1)}
		return nil
	}, event)
	if err != nil {
		return err
	}
	var records []store.Record
	err = c.each(`SELECT `+recordColumns+` FROM record_index AS i JOIN records AS r USING (kind, id)
		WHERE i.kind = ?1 AND i.name = 'event' AND i.value = ?2`, func(stmt *sqlite.Stmt) error {
		booking, err := scanRecord(stmt)
		if err != nil {
			return c.ignoreDamaged(err)
		}
		records = append(records, booking)
		for _, key := range store.RelatedRecords(booking) {
			record, err := c.stored(key)
			if err := c.ignoreDamaged(err); err != nil {
				return err
			}
			if record.Version > 0 {
				records = append(records, record)
			}
		}
		return nil
	}, store.BookingRecord, event)
	c.add(store.CheckBookings(event, seats, clocks, records)...)
	return err
}

// ignoreDamaged is for what another part of the check tells of.
func (c *checker) ignoreDamaged(err error) error {
	if errors.Is(err, errDamaged) {
		return nil
	}
	return err
}

// runs checks that runs end one after the other, none after the newest change.
func (c *checker) runs() error {
	var ends []int64
	err := c.each(`SELECT ended FROM runs ORDER BY number`, func(stmt *sqlite.Stmt) error {
		ends = append(ends, stmt.ColumnInt64(0))
		return nil
	})
	if err != nil {
		return err
	}
	last, err := c.lastPosition()
	if !slices.IsSorted(append(ends, last)) {
		c.add("the runs do not end one after the other, up to the newest change")
	}
	return err
}

func (c *checker) trail() error {
	return c.each(`SELECT `+trailColumns+` FROM trail ORDER BY position`, func(stmt *sqlite.Stmt) error {
		if len(c.found) < maxFindings {
			c.add(store.CheckEntry(scanEntry(stmt), c.now)...)
		}
		return nil
	})
}
