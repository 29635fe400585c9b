package store

import (
	"strconv"
	"strings"
)

// Cursor is a place in the change feed: whoever has it knows all changes up to
// it. Every
// instance on the same store understands it. The zero value is no place.
type Cursor struct {
	// Epoch is made with the store, anew by every restore of a backup, and on
	// SQLite by every start of a server, so that a cursor never points into
	// another history.
	Epoch string
	// Position orders changes within an epoch. Not every number is used.
	Position uint64
}

// maxCursorText bounds what ParseCursor looks at.
const maxCursorText = 64

// ParseCursor reads what [Cursor.String] wrote; ok is false for anything else.
func ParseCursor(text string) (c Cursor, ok bool) {
	if len(text) > maxCursorText {
		return Cursor{}, false
	}
	epoch, position, found := strings.Cut(text, ":")
	if !found || !ValidID(epoch) {
		return Cursor{}, false
	}
	n, err := strconv.ParseUint(position, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != position {
		return Cursor{}, false
	}
	return Cursor{Epoch: epoch, Position: n}, true
}

// String returns the cursor as "epoch:position", or "" for the zero value.
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	return c.Epoch + ":" + strconv.FormatUint(c.Position, 10)
}

// Covers reports whether all changes up to d are known at c. Cursors of
// different epochs never cover each other.
func (c Cursor) Covers(d Cursor) bool {
	return c.Epoch == d.Epoch && c.Position >= d.Position
}
