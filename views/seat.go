package views

import (
	"context"
	"io"

	"github.com/a-h/templ"
)

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
