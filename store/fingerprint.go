package store

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Fingerprint returns a hash of the definition of a valid event, with its plan:
// it distinguishes a repeated creation from a different one.
//
// It is the SHA-256, in hexadecimal, of the encoding below, which is frozen:
// databases keep fingerprints, and compare them for ever. An event with
// something that this encoding cannot express needs a second encoding, with its
// own mark.
func (e NewEvent) Fingerprint() string {
	sum := sha256.Sum256(e.encode())
	return hex.EncodeToString(sum[:])
}

// encode writes the definition as one line of JSON. PlanBody is always null:
// Plan stands for it.
func (e NewEvent) encode() []byte {
	b := fingerprintEncoder(`{`)
	b.text("ID", e.ID)
	b.text("Title", e.Title)
	b.text("Venue", e.Venue)
	b.time("Starts", e.Starts)
	b.text("Zone", e.Zone)
	b.text("Currency", e.Currency)
	b.prices("Prices", e.Prices)
	b.time("SalesOpen", e.SalesOpen)
	b.time("SalesClose", e.SalesClose)
	b.text("Plan", e.Plan)
	b.number("Revision", e.Revision)
	b.name("PlanBody")
	b = append(b, "null"...)
	b.list("Seats", e.Seats)
	b.list("Withheld", e.Withheld)
	if e.Hidden { // added later: other events keep the older encoding
		b.name("Hidden")
		b = append(b, "true"...)
	}
	if e.Terms != (Terms{}) {
		b.name("Terms")
		b = append(b, '[')
		for i, term := range []time.Duration{e.Terms.CancelUntil, e.Terms.PayWithin, e.Terms.PayUntil} {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(term), 10)
		}
		b = append(b, ']')
	}
	if len(e.Tariffs) > 0 {
		b.name("Tariffs")
		b = append(b, '[')
		for i, t := range e.Tariffs {
			if i > 0 {
				b = append(b, ',')
			}
			b = t.encode(b)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// encode writes a tariff as an object, with all of its fields.
func (t Tariff) encode(whole fingerprintEncoder) fingerprintEncoder {
	b := fingerprintEncoder(`{`)
	b.text("ID", t.ID)
	b.text("Name", t.Name)
	b.number("Off", int64(t.Off))
	b.prices("Prices", t.Prices)
	b.number("Most", int64(t.Most))
	b.name("Beside")
	b = strconv.AppendBool(b, t.Beside)
	return append(append(whole, b...), '}')
}

type fingerprintEncoder []byte

func (b *fingerprintEncoder) name(name string) {
	if len(*b) > 1 {
		*b = append(*b, ',')
	}
	*b = append(*b, `"`+name+`":`...)
}

func (b *fingerprintEncoder) number(name string, value int64) {
	b.name(name)
	*b = strconv.AppendInt(*b, value, 10)
}

func (b *fingerprintEncoder) text(name, value string) {
	b.name(name)
	b.quote(value)
}

// quote writes text that has no control characters. Characters with a meaning
// in HTML are escaped by number, as they always were.
func (b *fingerprintEncoder) quote(text string) {
	*b = append(*b, '"')
	for i := range len(text) {
		switch c := text[i]; c {
		case '"', '\\':
			*b = append(*b, '\\', c)
		case '<', '>', '&':
			*b = append(*b, `\u00`...)
			*b = strconv.AppendUint(*b, uint64(c), 16)
		default:
			*b = append(*b, c)
		}
	}
	*b = append(*b, '"')
}

func (b *fingerprintEncoder) time(name string, t time.Time) {
	b.text(name, t.UTC().Round(0).Format(time.RFC3339Nano))
}

func (b *fingerprintEncoder) list(name string, values []string) {
	b.name(name)
	if values == nil {
		*b = append(*b, "null"...)
		return
	}
	*b = append(*b, '[')
	for i, value := range values {
		if i > 0 {
			*b = append(*b, ',')
		}
		b.quote(value)
	}
	*b = append(*b, ']')
}

func (b *fingerprintEncoder) prices(name string, prices map[string]int64) {
	b.name(name)
	if prices == nil {
		*b = append(*b, "null"...)
		return
	}
	*b = append(*b, '{')
	for i, category := range slices.Sorted(maps.Keys(prices)) {
		if i > 0 {
			*b = append(*b, ',')
		}
		b.quote(category)
		*b = append(*b, ':')
		*b = strconv.AppendInt(*b, prices[category], 10)
	}
	*b = append(*b, '}')
}
