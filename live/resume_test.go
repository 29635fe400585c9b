package live_test

import (
	"testing"
	"testing/synctest"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

// A cursor from before a server's restart resumes if the store knows it: the
// viewer gets what it lacks, and a page need not wait.
func TestCursorFromBeforeARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore()
		s.create("a", 250)
		s.earlier = []string{"e0"}
		for i := range 6 {
			s.toggle("a", i, "me")
		}
		board := s.run(t, live.Options{}, nil).board(t, "a")
		if !board.Reach(t.Context(), store.Cursor{Epoch: "e0", Position: 4}) {
			t.Error("the board does not have what it had before the restart")
		}
		if board.Reach(t.Context(), store.Cursor{Epoch: "e9", Position: 4}) {
			t.Error("the board has what it never had")
		}
		c := newClient("me")
		c.id = store.Cursor{Epoch: "e0", Position: 4}
		c.connect(t, board)
		settle()
		if c.resyncs != 0 || c.id != (store.Cursor{Epoch: "e1", Position: 6}) {
			t.Errorf("got %d whole sections and the cursor %v, want what changed since, up to e1:6", c.resyncs, c.id)
		}
	})
}
