package handlers_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// TestStreamMovesBetweenInstances cuts a stream at each of 100 changes and
// resumes it on the other of two servers that share a database: nothing is
// missed, and no whole map is sent.
func TestStreamMovesBetweenInstances(t *testing.T) {
	const changes = 100
	uri := testengine.ReplicaSet(t).NewDatabase(t)
	houses := []*house{open(t, setting{path: uri}), open(t, setting{path: uri})}
	page := houses[0].visitor(t).get("/events/demo").text
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	actor := actor{t: t, store: houses[0].store, random: rand.New(rand.NewPCG(seed, 0)), versions: map[string]int64{}}
	moving := newScreen(page)
	cut := make([]*screen, changes)
	for i := range changes {
		cut[i] = newScreen(page)
		cut[i].cursor, cut[i].seats = moving.cursor, maps.Clone(moving.seats)
		seat := actor.change() // while no stream is open
		stream := houses[i%2].visitor(t).follow("", moving.cursor)
		stream.until(moving, fmt.Sprint("change ", i), func() bool { return int64(moving.seats[seat].version) == actor.versions[seat] })
		stream.cancel()
	}
	want := houses[1].truth(t)
	if !moving.equals(want) || moving.resyncs != 0 {
		t.Errorf("the stream that moved shows the map: %t, after %d whole maps, want none", moving.equals(want), moving.resyncs)
	}
	for i, s := range cut {
		resumed := houses[(i+1)%2].visitor(t).follow("", s.cursor)
		resumed.until(s, fmt.Sprintf("the map, cut at %d", i), func() bool { return s.equals(want) })
		resumed.cancel()
		if s.resyncs != 0 {
			t.Errorf("cut at %d: a whole map was sent", i)
		}
	}
}

// TestAnyInstanceKnowsAnyVisitor: what one instance was told by a visitor, all
// others know, and a page is not behind the visitor's own click.
func TestAnyInstanceKnowsAnyVisitor(t *testing.T) {
	uri := testengine.ReplicaSet(t).NewDatabase(t)
	a, b := open(t, setting{path: uri}), open(t, setting{path: uri})
	visitor := a.visitor(t)
	visitor.get("/events/demo")
	visitor.javascript = false
	for i, at := range []*house{a, b, a, b} {
		seat := fmt.Sprintf("C%d", i+1)
		visitor.home = at.URL
		answer := visitor.post("lock", seat)
		location := answer.Header.Get("Location")
		for _, other := range []*house{b, a} {
			visitor.home = other.URL
			if now := seatsIn(visitor.get(location).text)[seat]; !now.mine {
				t.Errorf("%s, locked by way of instance %d: an instance shows it as %+v (after %s)", seat, i%2, now, answer.Status)
			}
		}
	}
	visitor.home = b.URL
	location := visitor.post("unlock").Header.Get("Location")
	visitor.home = a.URL
	for seat, now := range seatsIn(visitor.get(location).text) {
		if now.mine {
			t.Errorf("%s is still theirs", seat)
		}
	}
}

// TestLapseIsToldByAllInstances: of several instances each tells its viewers of
// a lapse, and the seat changed once.
func TestLapseIsToldByAllInstances(t *testing.T) {
	uri := testengine.ReplicaSet(t).NewDatabase(t)
	rules := store.DefaultRules()
	rules.TTL = time.Second
	var streams []*stream
	var screens []*screen
	var first *person
	for range 3 {
		h := open(t, setting{path: uri, rules: rules})
		visitor := h.visitor(t)
		screens = append(screens, newScreen(visitor.get("/events/demo").text))
		streams = append(streams, visitor.follow(screens[len(screens)-1].cursor, ""))
		if first == nil {
			first = visitor
		}
	}
	first.post("lock", "D4", "D5")
	for i, s := range streams {
		s.until(screens[i], "the lock", func() bool { return screens[i].seats["D5"].status == "locked" })
		s.until(screens[i], "its end", func() bool { return screens[i].seats["D5"] == shown{"available", 3, false} })
	}
}
