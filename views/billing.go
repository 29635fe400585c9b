package views

import (
	"fmt"
	"time"

	"github.com/seatlock/seatlock/store"
)

// Billing is what can be shown of an event in one language without its plan.
// It is immutable and safe for concurrent use.
type Billing struct {
	Words
	event store.Event
	zone  *time.Location
	costs prices
}

// NewBilling prepares what a list shows of an event. It refuses an event whose
// zone is unknown.
func NewBilling(e store.Event, w Words) (Billing, error) {
	zone, err := store.Zone(e.Zone)
	if err != nil {
		return Billing{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	b := Billing{Words: w, event: e, zone: zone}
	for category := range e.Prices {
		if price, ok := e.PriceAs(category, e.DefaultTariff(category)); ok {
			b.costs.add(price)
		}
	}
	return b, nil
}

// prices is the range of prices; without any, nothing is for sale.
type prices struct {
	low, high int64
	any       bool
}

func (p *prices) add(price int64) {
	if !p.any {
		*p = prices{price, price, true}
	}
	p.low, p.high = min(p.low, price), max(p.high, price)
}

// says returns the range of prices in words.
func (b Billing) says(p prices) string {
	switch {
	case !p.any:
		return b.Say("not for sale")
	case p.low == p.high:
		return b.price(p.low, b.event.Currency)
	}
	return b.Say("%s to %s", b.price(p.low, b.event.Currency), b.price(p.high, b.event.Currency))
}

// OnSale reports whether seats of the event are for sale at now.
func (b Billing) OnSale(now time.Time) bool { return b.costs.any && b.event.OnSaleAt(now) }

// Sales returns a sentence on when sales are if not now, or "".
func (b Billing) Sales(now time.Time) string {
	switch e := b.event; {
	case e.OverAt(now):
		return b.Say("This event has taken place.")
	case !b.costs.any:
		return b.Say("No seat of this event is for sale.")
	case e.OnSaleAt(now):
		return ""
	case !e.SalesOpen.IsZero() && now.Before(e.SalesOpen):
		return b.Say("Sales open on %s.", b.at(e.SalesOpen))
	default:
		return b.Say("Sales closed on %s.", b.at(e.SalesClose))
	}
}

// at returns an instant as people at the venue say it.
func (b Billing) at(t time.Time) string { return b.date(t.In(b.zone)) }

// TimeOfDay returns an instant as people at the venue say it, to the second.
func (b Billing) TimeOfDay(t time.Time) string { return t.In(b.zone).Format("15:04:05") }

// path returns the path of the event, or of something below it. An event's id
// needs no escaping.
func (b Billing) path(below string) string {
	p := "/events/" + b.event.ID
	if below != "" {
		p += "/" + below
	}
	return p
}
