package views

import (
	"context"
	"io"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"github.com/seatlock/seatlock/store"
)

// seatView is one seat as one viewer sees it.
type seatView struct {
	id, number, class, version, label string
	mine, off                         bool
	release                           string // where the viewer gives it back; "" if it is not theirs
	booking                           string // where the viewer's booking of it is, or ""
}

// seat chooses every value of a seat's markup. The label is the same before
// and after the viewer takes the seat: what changes is that it is pressed.
func (h *Hall) seat(p *place, s store.Seat, mine bool) seatView {
	v := seatView{id: s.ID, number: p.number, class: s.Status.String(), label: p.name,
		version: strconv.FormatInt(s.Version, 10), mine: mine}
	switch {
	case mine && s.Status == store.Booked && store.ValidCode(s.Booking):
		v.class, v.booking, v.label = "booked mine", BookingPath(s.Booking), v.label+h.ends.booked
	case s.Status == store.Booked:
		v.mine, v.off, v.label = false, true, v.label+h.ends.sold
	case mine:
		v.class, v.release = "locked mine", h.path("unlock")
		if v.off = s.Status == store.Paying; v.off {
			v.label += h.ends.paying
		}
	case s.Status == store.Locked, s.Status == store.Paying:
		v.class, v.off, v.label = "locked", true, v.label+h.ends.taken
	case s.Status == store.Withheld, s.Status == store.Unknown, !h.categories[p.level].priced:
		v.class, v.off, v.label = store.Withheld.String(), true, v.label+h.ends.withheld
	}
	return v
}

type sectionView struct {
	id, name string
	rows     []rowView
}

type rowView struct {
	id, label, name string
	seats           []seatView
}

func (h *Hall) section(i int, seats []store.Seat, mine func(store.Seat) bool) sectionView {
	s := h.sections[i]
	v, first := sectionView{id: s.id, name: s.name}, 0
	for _, r := range s.rows {
		n := min(r.seats, len(seats))
		line := rowView{id: r.id, label: r.label, name: h.Say("Row %s", r.label), seats: make([]seatView, n)}
		for j, seat := range seats[:n] {
			line.seats[j] = h.seat(s.seats[first+j], seat, mine(seat))
		}
		v.rows, seats, first = append(v.rows, line), seats[n:], first+r.seats
	}
	return v
}

func rowID(section string, row int) string {
	return "row-" + section + "-" + strconv.Itoa(row)
}

// mine reports whether the viewer has a seat here.
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

// seatButtons are the seats of a row. This and appendSeat are written by hand:
// seats are nearly all of every page and frame, and cost a tenth of what a
// template would.
func seatButtons(seats []seatView) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var html []byte
		for _, s := range seats {
			html = appendSeat(html, s, false)
		}
		_, err := w.Write(html)
		return err
	})
}

// appendSeat appends one seat. It has no attribute that htmx would have to look
// at, and is never disabled: that would throw a keyboard user off the map.
// Nothing of an id, a class or a version needs escaping.
func appendSeat(html []byte, s seatView, oob bool) []byte {
	if s.booking != "" {
		return appendBooked(html, s, oob)
	}
	html = append(html, `<button name="seat" value="`...)
	html = append(html, s.id...)
	html = append(html, `" id="seat-`...)
	html = append(html, s.id...)
	html = append(html, `" class="`...)
	html = append(html, s.class...)
	html = append(html, `" data-v="`...)
	html = append(html, s.version...)
	if s.mine {
		html = append(html, `" aria-pressed="true" aria-label="`...)
	} else {
		html = append(html, `" aria-pressed="false" aria-label="`...)
	}
	html = append(html, templ.EscapeString(s.label)...)
	if s.off {
		html = append(html, `" aria-disabled="true`...)
	}
	if s.release != "" {
		html = append(html, `" formaction="`...)
		html = append(html, s.release...)
	}
	if oob {
		html = append(html, `" hx-swap-oob="outerMorph`...)
	}
	html = append(html, `">`...)
	html = append(html, templ.EscapeString(s.number)...)
	return append(html, `</button>`...)
}

// appendBooked appends a seat that is booked for the viewer: a link, which
// stands in the button's place.
func appendBooked(html []byte, s seatView, oob bool) []byte {
	html = append(html, `<a href="`...)
	html = append(html, s.booking...)
	html = append(html, `" id="seat-`...)
	html = append(html, s.id...)
	html = append(html, `" class="`...)
	html = append(html, s.class...)
	html = append(html, `" data-v="`...)
	html = append(html, s.version...)
	html = append(html, `" aria-label="`...)
	html = append(html, templ.EscapeString(s.label)...)
	if oob {
		html = append(html, `" hx-swap-oob="outerMorph`...)
	}
	html = append(html, `">`...)
	html = append(html, templ.EscapeString(s.number)...)
	return append(html, `</a>`...)
}
