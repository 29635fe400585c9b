package views

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// Hall is everything of an event that does not change with its seats, prepared
// once: texts, names, prices and geometry. It is immutable and safe for
// concurrent use.
type Hall struct {
	event      store.Event
	zone       *time.Location
	stage      string // "" if the plan draws none
	sections   []section
	categories []category
	seats      map[string]place
	css        []byte
	cssHash    string
}

type section struct {
	id, name string
	rows     []row
	seats    []string
}

type row struct {
	id, label string
	seats     []string
}

type category struct {
	name  string
	price int64
}

// place is what is always true of a seat.
type place struct {
	order  int    // in the plan
	number string // what stands on it
	where  string // "Row A seat 1"
	name   string // what it is to somebody who can take it
	price  int64
}

// NewHall prepares an event with its plan. It refuses a plan without seats,
// with an id that cannot be one or stands twice, and with a seat whose category
// the plan does not have; and an event whose zone is unknown.
func NewHall(e store.Event, p plan.Plan) (*Hall, error) {
	zone, err := time.LoadLocation(e.Zone)
	if err != nil {
		return nil, fmt.Errorf("hall of %s: zone: %w", e.ID, err)
	}
	h := &Hall{event: e, zone: zone, seats: map[string]place{}}
	if p.Stage != nil {
		h.stage = p.Stage.Label
	}
	levels := map[string]int{}
	for i, c := range p.Categories {
		levels[c.ID] = i
		h.categories = append(h.categories, category{name: c.Name, price: e.Prices[c.ID]})
	}
	for _, s := range p.Sections {
		if err := h.add(s, levels); err != nil {
			return nil, fmt.Errorf("hall of %s: section %q: %w", e.ID, s.ID, err)
		}
	}
	if len(h.seats) == 0 {
		return nil, fmt.Errorf("hall of %s: plan has no seats", e.ID)
	}
	h.css = stylesheet(p, levels)
	sum := sha256.Sum256(h.css)
	h.cssHash = hex.EncodeToString(sum[:8])
	return h, nil
}

func (h *Hall) add(s plan.Section, levels map[string]int) error {
	if !store.ValidID(s.ID) || slices.ContainsFunc(h.sections, func(o section) bool { return o.id == s.ID }) {
		return fmt.Errorf("id is not valid, or stands twice")
	}
	out := section{id: s.ID, name: s.Name}
	for i, r := range s.Rows {
		line := row{id: rowID(s.ID, i), label: r.Label}
		for _, seat := range r.Seats {
			level, known := levels[seat.Category]
			_, twice := h.seats[seat.ID]
			switch {
			case !store.ValidID(seat.ID) || twice:
				return fmt.Errorf("seat id %q is not valid, or stands twice", seat.ID)
			case !known:
				return fmt.Errorf("seat %q: category %q is not in the plan", seat.ID, seat.Category)
			}
			h.seats[seat.ID] = h.place(s, r, seat, h.categories[level].price)
			line.seats = append(line.seats, seat.ID)
		}
		out.rows = append(out.rows, line)
		out.seats = append(out.seats, line.seats...)
	}
	h.sections = append(h.sections, out)
	return nil
}

func (h *Hall) place(s plan.Section, r plan.Row, seat plan.Seat, minor int64) place {
	where := "Row " + r.Label + " seat " + seat.Label
	name := where + ", " + s.Name + ", " + price(minor, h.event.Currency)
	for _, p := range seat.Properties {
		switch p {
		case plan.Accessible:
			name += ", wheelchair place"
		case plan.Companion:
			name += ", companion seat"
		case plan.Restricted:
			name += ", restricted view"
		}
	}
	return place{order: len(h.seats), number: seat.Label, where: where, name: name, price: minor}
}

// Event returns the event that the hall was made for.
func (h *Hall) Event() store.Event { return h.event }

// Sections returns the seat ids of each section, in the plan's order.
func (h *Hall) Sections() [][]string {
	ids := make([][]string, len(h.sections))
	for i, s := range h.sections {
		ids[i] = slices.Clone(s.seats)
	}
	return ids
}

// SeatName returns how a seat is called in a sentence, such as "Row A seat 1",
// or "" for a seat that the plan does not have.
func (h *Hall) SeatName(id string) string { return h.seats[id].where }

// CSS returns the plan's stylesheet: where each seat, row label and the stage
// are. It is the same for the same plan. The caller must not change it.
func (h *Hall) CSS() []byte { return h.css }

// CSSHash names [Hall.CSS] by its content.
func (h *Hall) CSSHash() string { return h.cssHash }

// CSSPath is where the event page asks for [Hall.CSS].
func (h *Hall) CSSPath() string { return h.path("plan-" + h.cssHash + ".css") }

// path returns the path of the event, or of something below it. An event's id
// needs no escaping.
func (h *Hall) path(below string) string {
	p := "/events/" + h.event.ID
	if below != "" {
		p += "/" + below
	}
	return p
}

// AppendSeat appends the seat as a fragment that replaces it wherever it is
// shown: as the viewer's own if mine, and else as everybody sees it. A seat
// that the plan does not have appends nothing.
func (h *Hall) AppendSeat(dst []byte, s store.Seat, mine bool) []byte {
	if _, known := h.seats[s.ID]; !known {
		return dst
	}
	return appendComponent(dst, seatButton(h.seat(s, mine), true))
}

// AppendSection appends all seats of a section, as everybody sees them, as one
// fragment. The seats are those of the section in the plan's order; section
// counts from 0. The browser keeps a seat that it knows in a newer version,
// or as the viewer's own in the same version, unless this is part of a resync.
func (h *Hall) AppendSection(dst []byte, section int, seats []store.Seat, resync bool) []byte {
	nobody := func(store.Seat) bool { return false }
	return appendComponent(dst, sectionPartial(h.section(section, seats, nobody), resync))
}

// AppendLegend appends the legend with its counts, and what they let hope for,
// as fragments.
func (h *Hall) AppendLegend(dst []byte, counts Counts) []byte {
	return appendComponent(appendComponent(dst, legend(h, counts, true)), outlookLine(counts, true))
}

// AppendBasket appends the viewer's basket as a fragment.
func (h *Hall) AppendBasket(dst []byte, b Basket) []byte {
	return appendComponent(dst, basket(h.basket(b), true))
}

// AppendStatus appends one line for the status element as a fragment; refused
// lines are set apart from those that say what was done.
func AppendStatus(dst []byte, line string, refused bool) []byte {
	return appendComponent(dst, status(line, refused, true))
}

func appendComponent(dst []byte, c templ.Component) []byte {
	out := appender(dst)
	if err := c.Render(context.Background(), &out); err != nil {
		// Only a context that ended or a writer that fails can cause this.
		panic(fmt.Sprintf("render fragment: %v", err))
	}
	return out
}

// appender is a slice that is written to at its end.
type appender []byte

var _ io.Writer = (*appender)(nil)

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

// seatView is one seat as one viewer sees it.
type seatView struct {
	id, number, class, version, label string
	mine, off                         bool
	release                           string // where the viewer gives it back; "" if it is not theirs
}

// seat chooses every value of a seat's markup. The label is the same before
// and after the viewer takes the seat: what changes is that it is pressed.
func (h *Hall) seat(s store.Seat, mine bool) seatView {
	p := h.seats[s.ID]
	v := seatView{id: s.ID, number: p.number, class: s.Status.String(), label: p.name,
		version: strconv.FormatInt(s.Version, 10), mine: mine}
	switch {
	case mine:
		v.class, v.release = "locked mine", h.path("unlock")
		if v.off = s.Status == store.Paying; v.off {
			v.label += ", payment under way"
		}
	case s.Status == store.Locked, s.Status == store.Paying:
		v.class, v.off, v.label = "locked", true, v.label+", taken"
	case s.Status == store.Booked:
		v.off, v.label = true, v.label+", sold"
	case s.Status == store.Withheld:
		v.off, v.label = true, v.label+", not for sale"
	}
	return v
}

type sectionView struct {
	id, name string
	rows     []rowView
}

// mine tells whether the viewer has a seat here.
func (s sectionView) mine() bool {
	return slices.ContainsFunc(s.rows, func(r rowView) bool {
		return slices.ContainsFunc(r.seats, func(seat seatView) bool { return seat.mine })
	})
}

// opened is the section that a list shows unfolded if none has own seats.
func opened(sections []sectionView) int {
	if slices.ContainsFunc(sections, sectionView.mine) {
		return -1
	}
	return 0
}

type rowView struct {
	id, label string
	seats     []seatView
}

func (h *Hall) section(i int, seats []store.Seat, mine func(store.Seat) bool) sectionView {
	s := h.sections[i]
	v := sectionView{id: s.id, name: s.name}
	for _, r := range s.rows {
		n := min(len(r.seats), len(seats))
		line := rowView{id: r.id, label: r.label, seats: make([]seatView, n)}
		for j, seat := range seats[:n] {
			line.seats[j] = h.seat(seat, mine(seat))
		}
		v.rows, seats = append(v.rows, line), seats[n:]
	}
	return v
}

func rowID(section string, row int) string {
	return "row-" + section + "-" + strconv.Itoa(row)
}
