package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits on what one event may hold.
const (
	MaxSeats     = 100_000
	MaxText      = 200      // characters of a title or venue
	MaxPlanBytes = 16 << 20 // an encoded plan
)

// Event is a performance that seats are sold for.
type Event struct {
	ID           string
	Title, Venue string
	// Starts is an instant; Zone is the IANA name of the time zone in which
	// people read it.
	Starts time.Time
	Zone   string
	// Currency is the ISO 4217 code of Prices, which are integer minor units
	// by category id. A category without a price is not for sale.
	Currency string
	Prices   map[string]int64
	// SalesOpen and SalesClose bound the time in which seats can be locked;
	// a zero value is no bound. Nobody can lock seats once the event is over.
	SalesOpen, SalesClose time.Time
	// Hidden events are in no list. They open by their address.
	Hidden bool
	// Terms are the rules for its bookings.
	Terms Terms
	// Tariffs are the tariffs of its seats; the first that a category has is the
	// category's default. Without tariffs a seat costs its category's price.
	Tariffs []Tariff
	// Plan is the [PlanHash] of the event's plan.
	Plan string
	// Revision starts at 1 and grows by one whenever this definition changes.
	Revision int64
}

// Evening is how long after its start an event counts as over.
const Evening = 6 * time.Hour

// OverAt reports whether the event has taken place at now.
func (e Event) OverAt(now time.Time) bool {
	return !e.Starts.IsZero() && !now.Before(e.Starts.Add(Evening))
}

// OnSaleAt reports whether seats can be locked at now.
func (e Event) OnSaleAt(now time.Time) bool {
	return !e.OverAt(now) &&
		(e.SalesOpen.IsZero() || !now.Before(e.SalesOpen)) &&
		(e.SalesClose.IsZero() || now.Before(e.SalesClose))
}

// NewEvent is the argument of [Store.CreateEvent] and [Store.AddSeats]. The
// plan is
// opaque to the store: bytes named by their hash. The store sets the Plan of
// the Event, and when it is created the Revision.
type NewEvent struct {
	Event
	PlanBody []byte
	// Seats are the ids of all seats, in the plan's order; Withheld are those of
	// them that are not for sale at first.
	Seats, Withheld []string
	// Relabelled are the existing seats whose section, row or label differs in
	// this plan. Only AddSeats uses it.
	Relabelled []string
}

// PlanHash names a plan by its content: the first 16 bytes of its SHA-256, in
// hexadecimal.
func PlanHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}

// Validate reports the first thing that makes the event unacceptable as a new
// one, as an error that wraps [ErrInvalid] and names the field.
func (e NewEvent) Validate() error {
	if err := e.validateShape(); err != nil {
		return err
	}
	return e.validateNew(Event{})
}

// validateShape is Event.validateShape with the plan.
func (e NewEvent) validateShape() error {
	if err := e.Event.validateShape(); err != nil {
		return err
	}
	switch {
	case len(e.PlanBody) == 0 || len(e.PlanBody) > MaxPlanBytes:
		return fmt.Errorf("%w: plan: want 1 to %d bytes", ErrInvalid, MaxPlanBytes)
	case len(e.Seats) == 0 || len(e.Seats) > MaxSeats:
		return fmt.Errorf("%w: %d seats: want 1 to %d", ErrInvalid, len(e.Seats), MaxSeats)
	}
	return validateSeats(e.Seats, e.Withheld)
}

// Validate reports the first thing that makes the event unacceptable as a new
// one, as an error that wraps [ErrInvalid] and names the field. It ignores Plan
// and Revision, which the store sets.
func (e Event) Validate() error {
	if err := e.validateShape(); err != nil {
		return err
	}
	return e.validateNew(Event{})
}

// validateShape reports what no event may have, however old it is.
func (e Event) validateShape() error {
	switch {
	case !ValidID(e.ID):
		return fmt.Errorf("%w: event id %q: want 1 to 64 of A-Z a-z 0-9 . _ -", ErrInvalid, e.ID)
	case !ValidText(e.Title, MaxText):
		return fmt.Errorf("%w: title: want 1 to %d printable characters", ErrInvalid, MaxText)
	case !validText(e.Venue):
		return fmt.Errorf("%w: venue: want at most %d printable characters", ErrInvalid, MaxText)
	case !validTime(e.Starts):
		return fmt.Errorf("%w: start: want a year from 1 to 9999", ErrInvalid)
	case !validTime(e.SalesOpen), !validTime(e.SalesClose):
		return fmt.Errorf("%w: sales times: want years from 1 to 9999", ErrInvalid)
	case !e.SalesOpen.IsZero() && !e.SalesClose.IsZero() && !e.SalesOpen.Before(e.SalesClose):
		return fmt.Errorf("%w: sales times: they close before they open", ErrInvalid)
	}
	if err := cmp.Or(e.Terms.validate(), e.validateTariffs()); err != nil {
		return err
	}
	for _, category := range slices.Sorted(maps.Keys(e.Prices)) {
		switch {
		case !validText(category):
			return fmt.Errorf("%w: price of category %q: want at most %d printable characters", ErrInvalid, category, MaxText)
		case e.Prices[category] < 0:
			return fmt.Errorf("%w: price of %q is negative", ErrInvalid, category)
		}
	}
	return nil
}

// validateNew reports what a new event may not have, and a changed one only if
// it had it before: texts, currencies, zones and prices that were accepted once
// are in databases.
func (e Event) validateNew(before Event) error {
	for _, text := range []struct{ field, is, was string }{{"title", e.Title, before.Title}, {"venue", e.Venue, before.Venue}} {
		if text.is == text.was || text.is == "" {
			continue
		}
		if err := CheckText(text.is); err != nil {
			return fmt.Errorf("%w: %s: %v", ErrInvalid, text.field, err)
		}
	}
	for _, t := range e.Tariffs {
		if err := CheckText(t.Name); err != nil {
			return fmt.Errorf("%w: name of tariff %s: %v", ErrInvalid, t.ID, err)
		}
	}
	if _, active := CurrencyDecimals(e.Currency); !active && e.Currency != before.Currency {
		return fmt.Errorf("%w: currency %q: want the code of an active currency of ISO 4217, such as EUR", ErrInvalid, e.Currency)
	}
	if e.Zone != before.Zone || e.Zone == "" {
		if _, err := Zone(e.Zone); err != nil {
			return err
		}
	}
	for _, category := range slices.Sorted(maps.Keys(e.Prices)) {
		if price := e.Prices[category]; price > MaxPrice && price != before.Prices[category] {
			return fmt.Errorf("%w: price of %q: %d: want at most %d of the currency's smallest unit", ErrInvalid, category, price, MaxPrice)
		}
	}
	return nil
}

// seats returns the seats that an engine is to make of the plan.
func (e NewEvent) seats() *PlanSeats {
	return &PlanSeats{Body: e.PlanBody, Seats: e.Seats, Withheld: e.Withheld}
}

// update returns the event as asked, with the next revision, or unchanged if it
// is so already. It refuses what [Store.UpdateEvent] does.
func (e Event) update(asked Event) (Event, error) {
	if asked.Plan != e.Plan {
		return e, fmt.Errorf("%w: plan %q: it is %s, and cannot change", ErrInvalid, asked.Plan, e.Plan)
	}
	return e.become(asked, true)
}

// AddSeats returns the event with another plan, or the refusal of
// [Store.AddSeats], which uses it. It needs the Seats, Claimed and Now of d.
func (d Definition) AddSeats(asked NewEvent) (Event, error) {
	e, have := d.Event, d.Seats
	asked.Plan = PlanHash(asked.PlanBody)
	next, err := e.become(asked.Event, slices.Equal(have, asked.Seats))
	if err != nil || next.Revision == e.Revision {
		return next, err
	}
	known := make(map[string]bool, len(asked.Seats))
	for _, id := range asked.Seats {
		known[id] = true
	}
	for _, id := range have {
		if !known[id] {
			return e, fmt.Errorf("%w: seat %q of the event is not in the plan", ErrInvalid, id)
		}
	}
	relabelled := make(map[string]bool, len(asked.Relabelled))
	for _, id := range asked.Relabelled {
		relabelled[id] = true
	}
	for _, s := range d.inUse() {
		if relabelled[s.ID] {
			return e, fmt.Errorf("%w: seat %s is %s, and cannot be called otherwise now", ErrInUse, s.ID, s.Status)
		}
	}
	return next, nil
}

// inUse returns the seats that somebody has: the claimed ones except lapsed
// locks.
func (d Definition) inUse() []Seat {
	return slices.DeleteFunc(slices.Clone(d.Claimed), func(s Seat) bool { return s.FreeAt(d.Now) })
}

// become is what update and AddSeats have in common.
func (e Event) become(asked Event, sameSeats bool) (Event, error) {
	asked.Starts = wholeTime(asked.Starts)
	asked.SalesOpen, asked.SalesClose = wholeTime(asked.SalesOpen), wholeTime(asked.SalesClose)
	switch {
	case asked.Currency != e.Currency:
		return e, fmt.Errorf("%w: currency %s: it is %s, and cannot change", ErrInvalid, asked.Currency, e.Currency)
	case sameSeats && asked.Plan == e.Plan && asked.sameTexts(e) && asked.sameTimes(e) && maps.Equal(asked.Prices, e.Prices):
		return e, nil
	case asked.Revision != e.Revision:
		return e, fmt.Errorf("%w: revision %d: it is at %d", ErrStale, asked.Revision, e.Revision)
	}
	if err := asked.validateNew(e); err != nil {
		return e, err
	}
	asked.Revision++
	asked.Prices, asked.Tariffs = maps.Clone(asked.Prices), cloneTariffs(asked.Tariffs)
	return asked, nil
}

func (e Event) sameTexts(o Event) bool {
	return e.Title == o.Title && e.Venue == o.Venue && e.Zone == o.Zone && e.Hidden == o.Hidden && e.Terms == o.Terms &&
		sameTariffs(e.Tariffs, o.Tariffs)
}

func (e Event) sameTimes(o Event) bool {
	return e.Starts.Equal(o.Starts) && e.SalesOpen.Equal(o.SalesOpen) && e.SalesClose.Equal(o.SalesClose)
}

func validateSeats(seats, withheld []string) error {
	known := make(map[string]bool, len(seats))
	for _, id := range seats {
		if !ValidID(id) {
			return fmt.Errorf("%w: seat id %q: want 1 to 64 of A-Z a-z 0-9 . _ -", ErrInvalid, id)
		}
		if known[id] {
			return fmt.Errorf("%w: seat id %q stands twice", ErrInvalid, id)
		}
		known[id] = true
	}
	for _, id := range withheld {
		if !known[id] {
			return fmt.Errorf("%w: withheld seat %q is not in the plan", ErrInvalid, id)
		}
	}
	return nil
}

// ValidID reports whether id can name a seat or an event:
// [A-Za-z0-9._-]{1,64}, and not "." or "..", which a path cannot carry.
func ValidID(id string) bool {
	if len(id) == 0 || len(id) > 64 || id == "." || id == ".." {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' {
			continue
		}
		return false
	}
	return true
}

// ValidHolder reports whether h can hold seats: 1 to 128 bytes of UTF-8
// without control characters and marks of direction.
func ValidHolder(h Holder) bool {
	return len(h) > 0 && len(h) <= 128 && printable(string(h))
}

func validText(s string) bool { return utf8.RuneCountInString(s) <= MaxText && printable(s) }

// ValidText reports whether s can be part of a line of text: 1 to limit
// characters of UTF-8, not all of them blank, and none that ends a line, is a
// control character, or turns the direction of what is written around it.
func ValidText(s string, limit int) bool {
	return strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= limit && printable(s)
}

func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return false
		}
	}
	return true
}

// validTime reports whether every engine and notation can keep the time.
func validTime(t time.Time) bool {
	year := t.UTC().Year()
	return 1 <= year && year <= 9999
}

// wholeTime cuts a time to whole milliseconds, the precision of every engine.
func wholeTime(t time.Time) time.Time { return t.UTC().Round(0).Truncate(time.Millisecond) }
