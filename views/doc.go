// Package views turns seats, locks and events into HTML: whole pages, and the
// fragments of them that answers and streams carry. It decides nothing and
// knows no clock; whoever calls it says what time it is and which seats are
// the viewer's.
//
// The values that the components of event.templ show are in event.go, and so
// for each. A [Hall] is what never changes, a [Page] what one page shows of it,
// and css*.go draw where things are.
//
// One component renders a thing wherever it appears, so that a seat on a page,
// in an answer and in a frame is the same markup. Nothing that it renders tells
// who holds a seat.
package views
