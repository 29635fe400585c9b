//go:build unix

package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// address is like no other text of the file.
func address(i int) string { return fmt.Sprintf("visitor+%06d@forget-me.example", i) }

// hash is what an address is found by.
func hash(i int) string { return fmt.Sprintf("hash%060d", i) }

var addresses = regexp.MustCompile(`visitor\+\d{6}@forget-me\.example|hash\d{60}`)

// people is a store with persons, and other records before and after them.
type people struct {
	*testing.T
	*store.Store
	engine *sqlitestore.Engine
	path   string
	random *rand.Rand
}

func newPeople(t *testing.T, seed uint64) people {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	kinds := append(store.Kinds(), store.Kind{Name: "note"}, store.Kind{Name: "photo"})
	engine := openEngine(t, path, sqlitestore.Options{Serve: true, Kinds: kinds})
	return people{t, store.New(engine), engine, path, rand.New(rand.NewPCG(seed, 2))}
}

// put writes a record with an address and so much else; 0 deletes it.
func (p people) put(kind string, i, size int) {
	p.Helper()
	key := store.Key{Kind: kind, ID: fmt.Sprintf("CODE%06d", i)}
	err := p.ChangeRecord(p.Context(), key, func(store.Record) (store.Record, bool, error) {
		r := store.Record{Body: []byte(fmt.Sprintf(`{"name":%q,"email":%q}`, strings.Repeat("n", size), address(i)))}
		if kind == store.PersonRecord {
			r.Index = map[string]string{"event": fmt.Sprint("e", i%7), "email": hash(i)}
		} else {
			r.Body = []byte(fmt.Sprintf(`{"note":%q}`, strings.Repeat("x", size)))
		}
		return r, size == 0, nil
	})
	if err != nil {
		p.Fatal(err)
	}
}

// left counts the persons of whom something is in the file or its log.
func (p people) left(erased []int) (left int) {
	p.Helper()
	var all []byte
	for _, name := range []string{p.path, p.path + "-wal"} {
		body, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.Fatal(err)
		}
		all = append(all, body...)
	}
	found := map[string]bool{}
	for _, text := range addresses.FindAll(all, -1) {
		found[string(text)] = true
	}
	for _, i := range erased {
		if found[address(i)] || found[hash(i)] {
			left++
		}
	}
	return left
}

// TestScrub has persons come and go in a file that is at work, so that its pages
// split, grow together and are used again: nothing of who was erased is left in
// the file or its log, and nothing else is another.
func TestScrub(t *testing.T) {
	t.Parallel()
	const all = 1500
	p := newPeople(t, 1)
	for _, i := range p.random.Perm(all) {
		p.put(store.PersonRecord, i, 1+p.random.IntN(400))
		p.put([]string{"note", "photo"}[i%2], p.random.IntN(all), 1+p.random.IntN(400))
	}
	for range all / 2 {
		p.put(store.PersonRecord, p.random.IntN(all), 1+p.random.IntN(9000)) // over several pages, or fewer
	}
	erased := p.random.Perm(all)[:all/2]
	for _, i := range erased {
		p.put(store.PersonRecord, i, 0)
		p.put("photo", p.random.IntN(all), p.random.IntN(400))
	}
	rewrite(t, p.path, "ALTER TABLE records ADD COLUMN wish TEXT", "ALTER TABLE records ADD COLUMN share REAL", "ALTER TABLE records ADD COLUMN seal BLOB",
		"UPDATE records SET wish = 'aisle', share = 0.1, seal = x'00ff'") // by a newer program
	if left := p.left(erased); left == 0 {
		t.Error("nothing is left before a scrub: this test would not see what one does")
	}
	const everything = "SELECT group_concat(kind || id || version || ifnull(expires, '') || body || indexed || wish || share || hex(seal), (SELECT count(*) FROM record_index)) FROM records"
	before := column(t, p.path, everything)
	if !strings.Contains(before, "aisle0.100FF") {
		t.Fatal("the test sees nothing of the records")
	}
	if err := p.engine.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := p.left(erased); left > 0 {
		t.Errorf("%d of %d that were erased are left in the files", left, len(erased))
	}
	if log, err := os.Stat(p.path + "-wal"); err != nil || log.Size() > 0 {
		t.Errorf("the log has %d bytes, %v, want it cut off", log.Size(), err)
	}
	if column(t, p.path, everything) != before {
		t.Error("a scrub has changed records")
	}
	wantSound(t, p.path)
}

// TestScrubUnderReader scrubs while another process reads from the log: it waits
// for that, and says so when it has waited for long enough.
func TestScrubUnderReader(t *testing.T) {
	t.Parallel()
	p := newPeople(t, 1)
	p.put(store.PersonRecord, 1, 10)
	conn, err := sqlite.OpenConn(p.path, sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	read := func() {
		for _, sql := range []string{"BEGIN", "SELECT count(*) FROM records"} {
			if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	read()
	p.put(store.PersonRecord, 1, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := p.engine.Scrub(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that the caller's time is over", err)
	}
	if err := p.engine.Scrub(t.Context()); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "as a backup or a check does") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want a line about who reads", err)
	}
	done := make(chan error, 1)
	go func() { done <- p.engine.Scrub(t.Context()) }()
	p.put(store.PersonRecord, 2, 10) // which a scrub that waits does not keep from being written
	if err := sqlitex.ExecuteTransient(conn, "COMMIT", nil); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || p.left([]int{1}) > 0 || p.left([]int{2}) == 0 {
		t.Errorf("got %v, want the first person gone and the second there", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.engine.Scrub(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a scrub of a closed store: %v", err)
	}
}

// TestNoPersonInFeedOrTrail makes a booking with each of what can be told of who
// it is for: neither the feed nor the trail has any of it, nor a holder.
func TestNoPersonInFeedOrTrail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, sqlitestore.Options{Serve: true})
	create(t, s, "hall", 4)
	who := store.Holder("holder-of-this-test")
	if _, err := lock(t, s, "hall", who, seatID(0), seatID(1)); err != nil {
		t.Fatal(err)
	}
	person := store.Person{Name: "Nomen Nescio", Email: address(1)}
	if _, err := s.Begin(t.Context(), store.BeginRequest{
		Event: "hall", Holder: who, Code: "BKED222222", Request: "r", Contents: "c", Revision: 1, Provider: "demo",
		Lines: []store.Line{{Seat: seatID(0)}, {Seat: seatID(1)}}, Person: person, Rules: store.DefaultPayRules(0),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Cancel(t.Context(), store.CancelRequest{Code: "BKED222222", Seats: []string{seatID(0)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Erase(t.Context(), store.EraseRequest{Code: "BKED222222", Force: true, By: store.ByHouse}); err != nil {
		t.Fatal(err)
	}
	feed := column(t, path, "SELECT group_concat(event || body) FROM changes")
	trail := column(t, path, "SELECT group_concat(event || seat || ifnull(status, '') || ifnull(booking, '') || reason || who) FROM trail")
	if !strings.Contains(feed, "BKED222222") || !strings.Contains(trail, "BKED222222") {
		t.Errorf("the feed is %s, and the trail %s", feed, trail)
	}
	for _, secret := range []string{person.Name, person.Email} {
		if strings.Contains(feed+trail, secret) {
			t.Errorf("%q is in the feed or the trail", secret)
		}
	}
	if strings.Contains(trail, string(who)) {
		t.Errorf("the trail %s names a holder", trail)
	}
}
