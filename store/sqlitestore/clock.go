package sqlitestore

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seatlock/seatlock/store"
)

const (
	compareEvery  = time.Second // how often the wall clock is looked at
	followAfter   = 3           // looks in a row that find it ahead
	furthestAhead = 24 * time.Hour
)

// errFuture: the file was written by a clock that was far ahead of this one.
var errFuture = errors.New("written in the future")

// readings are the two clocks of a machine.
type readings struct {
	// wall is what people set, and what the network corrects.
	wall func() time.Time
	// boot tells how long the machine has run, or slept, since some moment.
	// Nobody sets it.
	boot func() time.Duration
}

// clock is the wall clock at the store's opening, carried on by the one that
// nobody sets: a step back of the wall clock neither frees a lock late nor ends
// two sales. It follows a wall clock that stays ahead, as after a pause of the
// whole machine, and never goes back.
type clock struct {
	readings

	mu       sync.Mutex
	base     time.Time     // what the clock showed
	baseAt   time.Duration // when boot read this
	last     time.Time     // what was told last, or what the store was written at
	compared time.Duration // when boot read this, wall was looked at
	ahead    int           // looks in a row that found wall ahead
}

func newClock(r readings) *clock {
	at := r.boot()
	return &clock{readings: r, base: r.wall(), baseAt: at, compared: at}
}

// now returns the time, in whole milliseconds.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.boot()
	if at-c.compared >= compareEvery {
		c.compare(at)
	}
	if now := c.base.Add(at - c.baseAt); now.After(c.last) {
		c.last = now
	}
	return c.last.Truncate(time.Millisecond).UTC()
}

// compare looks at the wall clock, and goes on from there if it stays ahead.
func (c *clock) compare(at time.Duration) {
	c.compared = at
	wall := c.wall()
	if wall.Sub(c.base.Add(at-c.baseAt)) <= store.ClockSlack {
		c.ahead = 0
		return
	}
	if c.ahead++; c.ahead >= followAfter {
		c.base, c.baseAt, c.ahead = wall, at, 0
	}
}

// standAt has the clock stand still at newest, when the store was written last,
// until the wall clock has come so far. More than a day is refused.
func (c *clock) standAt(newest time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if wall := c.wall(); newest.Sub(wall) > furthestAhead {
		return fmt.Errorf("%w: its newest change is of %s, and this machine's clock says %s", errFuture,
			newest.UTC().Format(time.RFC3339), wall.UTC().Format(time.RFC3339))
	}
	if newest.After(c.last) {
		c.last = newest
	}
	return nil
}

// newestChange returns when the newest change was written; zero if there is none.
func (r reader) newestChange() (time.Time, error) {
	at, err := r.number(`SELECT coalesce((SELECT at FROM changes ORDER BY position DESC LIMIT 1), 0)`)
	return fromMilliseconds(at), err
}

// wall reads the wall clock, without the monotonic one.
func wall() time.Time { return time.Now().Round(0) }

// futureAdvice says how to mend a file that was written in the future.
const futureAdvice = `set the clock of this machine right; if it is right, put a backup in the file's place, or have its changes be of now: ` +
	`sqlite3 FILE "UPDATE changes SET at = min(at, strftime('%s', 'now') * 1000)"`
