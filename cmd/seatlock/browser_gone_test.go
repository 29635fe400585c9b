package main

import (
	"io"
	"testing"

	"github.com/seatlock/seatlock/internal/testengine"
)

// The open page of an event that is removed says so, and asks no more.
func TestRemovedEventEndsItsPages(t *testing.T) {
	p := serveProgram(t)
	v := p.newVisitor(testengine.Chromium(t))
	v.open("/events/arena")
	v.untilLive()
	args := []string{"--store", p.store, "--event", "arena"}
	if err := removeEvent(t.Context(), args, func(string) string { return "" }, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	v.until("the page is another one, without a stream", `document.readyState === 'complete' && !document.getElementById('live')`)
}
