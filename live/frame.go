package live

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/seatlock/seatlock/store"
)

// frame is one entry of a broadcast: immutable but for its link to the next.
// The board holds the last frame alone, and each viewer the last one that it
// has had: what nobody lacks any more is garbage.
type frame struct {
	kind    frameKind
	at      store.Cursor // of an update
	public  []byte
	private map[store.Holder][]byte // of the holders that had a viewer then

	next atomic.Pointer[frame]
	more chan struct{} // closed when next is there
}

type frameKind uint8

const (
	update frameKind = iota
	reset            // the board was loaded anew: all before it is void
	last             // nothing follows
	gone             // nothing follows, since there is no such page any more
)

func newFrame(kind frameKind) *frame { return &frame{kind: kind, more: make(chan struct{})} }

// link puts next behind f, and wakes those who wait for it.
func (f *frame) link(next *frame) {
	f.next.Store(next)
	close(f.more)
}

// ends reports whether nothing follows.
func (f *frame) ends() bool { return f.kind == last || f.kind == gone }

// maxMessage is the size above which a message of many seats is cut in two:
// browsers take a message apart in one go.
const maxMessage = 64 << 10

// lines collects the data of one or more messages, without a copy. All but the
// last are closed; that one is the caller's to close. No message but the last may
// have an id: a cursor is told only when everything up to it has been.
type lines struct {
	parts [][]byte
	open  int // bytes of the open message
}

// add appends data lines, to the open message if there is room.
func (l *lines) add(data []byte) {
	if len(data) == 0 {
		return
	}
	if l.open > 0 && l.open+len(data) > maxMessage {
		l.close()
	}
	l.parts = append(l.parts, data)
	l.open += len(data)
}

// close ends the open message, without an id.
func (l *lines) close() {
	l.parts = append(l.parts, newline)
	l.open = 0
}

var (
	newline = []byte("\n")
	cr      = []byte("\r")
)

// appendData appends text as data lines; all kinds of line ends become \n.
func appendData(dst, text []byte) []byte {
	if len(text) == 0 {
		return dst
	}
	for line := range bytes.SplitSeq(text, newline) {
		for part := range bytes.SplitSeq(bytes.TrimSuffix(line, cr), cr) {
			dst = append(dst, "data: "...)
			dst = append(dst, part...)
			dst = append(dst, '\n')
		}
	}
	return dst
}

// closeMessage ends a message that covers everything up to c.
func closeMessage(dst []byte, c store.Cursor) []byte {
	dst = append(dst, "id: "...)
	dst = append(dst, c.String()...)
	return append(dst, "\n\n"...)
}

// heartbeatMessage only tells the cursor.
func heartbeatMessage(c store.Cursor) []byte {
	return fmt.Appendf(nil, "event: hb\nid: %s\ndata:\n\n", c)
}

// goneMessage ends a stream whose page there is no more: to ask for it again is
// no use, and the page, loaded anew, says so.
func goneMessage() []byte { return []byte("event: gone\ndata:\n\n") }

// Farewell is what ends a stream whose viewer came too late for it: the last
// word of a hub that has ended. It spreads the return over some seconds.
func Farewell() []byte {
	return fmt.Appendf(nil, "event: hb\nretry: %d\ndata:\n\n", 1000+rand.IntN(4001))
}
