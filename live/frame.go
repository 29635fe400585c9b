package live

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/seatlock/seatlock/store"
)

// frame is one entry of a broadcast, immutable except for its link to the next.
// The board holds only the last frame, and each viewer the last one that it has
// read: frames that all viewers have read are garbage.
type frame struct {
	kind    frameKind
	at      store.Cursor // of an update
	public  []byte
	private map[store.Holder][]byte // for the holders that had a viewer then

	next atomic.Pointer[frame]
	more chan struct{} // closed when next is set
}

type frameKind uint8

const (
	update frameKind = iota
	reset            // the board was loaded again: viewers need everything
	last             // nothing follows
	gone             // nothing follows: the page no longer exists
)

func newFrame(kind frameKind) *frame { return &frame{kind: kind, more: make(chan struct{})} }

// link appends next to f, and wakes the viewers that wait for it.
func (f *frame) link(next *frame) {
	f.next.Store(next)
	close(f.more)
}

// ends reports whether nothing follows.
func (f *frame) ends() bool { return f.kind == last || f.kind == gone }

// maxMessage is the size in bytes above which a message of many seats is split:
// browsers process a message in one go.
const maxMessage = 64 << 10

// lines collects the data lines of one or more messages, without copying them.
// All messages but the last are closed, without an id: a cursor may be sent only
// when everything up to it has been. The caller closes the last one.
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

// appendData appends text as data lines; every kind of line break becomes \n.
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

// closeMessage ends a message that brings the viewer up to c.
func closeMessage(dst []byte, c store.Cursor) []byte {
	dst = append(dst, "id: "...)
	dst = append(dst, c.String()...)
	return append(dst, "\n\n"...)
}

// heartbeatMessage carries only the cursor.
func heartbeatMessage(c store.Cursor) []byte {
	return fmt.Appendf(nil, "event: hb\nid: %s\ndata:\n\n", c)
}

// goneMessage ends the stream of a page that no longer exists. Reconnecting is no
// use; the page itself, loaded again, says why.
func goneMessage() []byte { return []byte("event: gone\ndata:\n\n") }

// Farewell returns the last message of a hub that has ended. It makes browsers
// reconnect after a random time of 1 to 5 s, so that they do not all come at
// once.
func Farewell() []byte {
	return fmt.Appendf(nil, "event: hb\nretry: %d\ndata:\n\n", 1000+rand.IntN(4001))
}
