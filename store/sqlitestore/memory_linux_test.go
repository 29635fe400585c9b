package sqlitestore

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
)

// What readers have cached of a large file leaves memory.
func TestCacheIsGivenBack(t *testing.T) {
	e, err := Open(t.Context(), filepath.Join(t.TempDir(), "large.db"), Options{Serve: true, shrinkEvery: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	large := &job{done: make(chan error, 1), run: func(tx *tx) error {
		_, err := tx.exec(`INSERT INTO plans (hash, body) WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 4000)
			SELECT 'plan ' || i, randomblob(2000) FROM n`)
		return err
	}}
	e.queue <- large
	if err := <-large.done; err != nil {
		t.Fatal(err)
	}
	before := outsideHeap(t)
	for range 3 * readers { // which take turns
		err := e.read(t.Context(), func(r reader) error {
			return r.each(`SELECT body FROM plans`, func(*sqlite.Stmt) error { return nil })
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		keep := outsideHeap(t) - before
		if keep < 2000 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d readers keep %d kB", readers, keep)
		}
	}
}

// outsideHeap is the memory in kB that this process has beside what Go counts.
func outsideHeap(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	var kb int
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb - int(m.HeapInuse>>10)
}
