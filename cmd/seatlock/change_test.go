package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// change is the command for the gala of house.
func change(address string, args ...string) []string {
	return append([]string{"change", "--store", address, "--event", "gala"}, args...)
}

// gala is the event of house as it stands.
func gala(t *testing.T, address string) store.Event {
	t.Helper()
	event, err := eventOf(t, address, "gala")
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func wantSaid(t *testing.T, said, want string) {
	t.Helper()
	if said != want {
		t.Errorf("said\n%s\nwant\n%s", said, want)
	}
}

// TestChangeSaysWhatItDid: what is named is changed, what is not stays, and
// both is told in money and local times.
func TestChangeSaysWhatItDid(t *testing.T) {
	address := house(t)
	before := gala(t, address)
	wantSaid(t, does(t, change(address, "--title", "The Gala", "--price", "front=48.00", "--price", "Rear=0", "--yes", "--sales-close", "2030-06-01T19:00")...),
		"Event gala was changed.\n"+
			"  title           =Gala → The Gala\n"+
			"  sales close     none → 2030-06-01T19:00:00+02:00\n"+
			"  price of Front  €45 → €48\n"+
			"  price of Rear   €20 → free\n")
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	want := before
	want.Title, want.Revision, want.Prices = "The Gala", 2, map[string]int64{"front": 4800, "rear": 0}
	want.SalesClose = time.Date(2030, 6, 1, 19, 0, 0, 0, vienna).UTC()
	if got := gala(t, address); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	wantSaid(t, does(t, change(address, "--price", "rear=0", "--title", "The Gala")...), "Event gala is so already: nothing was changed.\n")
	wantSaid(t, does(t, change(address, "--zone", "UTC", "--starts", "2030-06-01T18:00", "--venue", "Town hall", "--sales-close", "")...),
		"Event gala was changed.\n"+
			"  venue        none → Town hall\n"+
			"  zone         Europe/Vienna → UTC\n"+
			"  starts       2030-06-01T19:30:00+02:00 → 2030-06-01T18:00:00+00:00\n"+
			"  sales close  2030-06-01T19:00:00+02:00 → none\n")
	does(t, change(address, "--starts", "none", "--venue", "", "--sales-open", "now")...)
	if got := gala(t, address); !got.Starts.IsZero() || got.Venue != "" || got.SalesOpen.IsZero() || time.Since(got.SalesOpen) > time.Minute {
		t.Errorf("got %+v, want no start, no venue, and sales open since just now", got)
	}
}

// TestChangeRefuses: one line, and the event as it was.
func TestChangeRefuses(t *testing.T) {
	address := house(t)
	does(t, change(address, "--sales-open", "2030-05-01T10:00")...)
	before := gala(t, address)
	for _, m := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "told what", nil},
		{exitUsage, "wants --event", []string{"--event", "", "--title", "T"}},
		{exitFault, "no such event", []string{"--event", "gone", "--title", "T"}},
		{exitUsage, `unexpected argument "now"`, []string{"--sales-close", "2031-01-01T10:00", "now"}},
		{exitUsage, `--price "gold": the categories are front, rear`, []string{"--title", "T", "--price", "gold=1.00"}},
		{exitUsage, "want CATEGORY=AMOUNT", []string{"--price", "front"}},
		{exitUsage, "want CATEGORY=AMOUNT", []string{"--price", "=45"}},
		{exitUsage, "--price front=50 could be €50.00 or €0.50: write 50.00 or 0.50", []string{"--price", "front=50"}},
		{exitUsage, "--price Front=50.0: EUR has 2 decimals", []string{"--price", "Front=50.0"}},
		{exitUsage, "price of Front: from €45.00 to €70.00 is a change by more than half: say --yes", []string{"--price", "Front=70.00"}},
		{exitUsage, "price of Rear: from €20.00 to €0.00", []string{"--price", "Rear=0"}},
		{exitUsage, "told what", []string{"--yes", "--past"}},
		{exitUsage, "--starts 2020-06-01T19:30:00+02:00 is in the past: with --past it may be", []string{"--starts", "2020-06-01T19:30"}},
		{exitUsage, "has no such time: its clocks go from 2030-03-31T02:00:00 to 2030-03-31T03:00:00", []string{"--starts", "2030-03-31T02:30"}},
		{exitUsage, "--sales-open 2030-10-27T02:30: Europe/Vienna has that time twice: write 2030-10-27T02:30:00+02:00 or 2030-10-27T02:30:00+01:00", []string{"--sales-open", "2030-10-27T02:30"}},
		{exitUsage, "--sales-close 2030-05-01T10:00+01:00: Europe/Vienna has +02:00 then", []string{"--sales-close", "2030-05-01T10:00+01:00"}},
		{exitUsage, "has no visible character", []string{"--title", "\u3164"}},
		{exitUsage, "want CATEGORY=AMOUNT", []string{"--price", "front=-1"}},
		{exitUsage, "--starts soon", []string{"--title", "T", "--starts", "soon"}},
		{exitUsage, "--starts now", []string{"--starts", "now"}},
		{exitUsage, "--sales-open 1/2/30", []string{"--sales-open", "1/2/30"}},
		{exitUsage, "they close before they open", []string{"--sales-close", "now"}},
		{exitUsage, "they close before they open", []string{"--sales-close", "2030-05-01T10:00"}},
		{exitUsage, "--zone Mars", []string{"--zone", "Mars"}},
		{exitUsage, "--zone a; b", []string{"--zone", "a\nb"}},
		{exitUsage, "--zone :", []string{"--zone", ""}},
		{exitUsage, "title", []string{"--title", ""}},
		{exitUsage, "title", []string{"--title", "a\u202eb"}},
		{exitUsage, "venue", []string{"--venue", "a\nb"}},
		{exitUsage, "currency", []string{"--currency", "CHF"}},
		{exitFault, "no such file", []string{"--store", address + ".typo", "--title", "T"}},
	} {
		refuses(t, m.code, m.want, change(address, m.args...)...)
	}
	if after := gala(t, address); !reflect.DeepEqual(after, before) {
		t.Errorf("the event went from\n%+v to\n%+v", before, after)
	}
}

// TestChangeTakesNothingFromTheEnvironment but of which event it is: what is
// there for other commands would be changed unnamed.
func TestChangeTakesNothingFromTheEnvironment(t *testing.T) {
	address := house(t)
	env := environment(map[string]string{"SEATLOCK_STORE": address, "SEATLOCK_EVENT": "gala", "SEATLOCK_ZONE": "UTC", "SEATLOCK_VENUE": "V"})
	if code := run(t.Context(), []string{"change", "--title", "The Gala"}, env, io.Discard, io.Discard); code != exitOK {
		t.Fatalf("exit %d", code)
	}
	if got := gala(t, address); got.Title != "The Gala" || got.Zone != "Europe/Vienna" || got.Venue != "" {
		t.Errorf("got %+v", got)
	}
	manual := does(t, "change", "--help")
	if !strings.Contains(manual, "SEATLOCK_EVENT") || strings.Contains(manual, "SEATLOCK_ZONE") {
		t.Errorf("the manual is\n%s", manual)
	}
}

// rushed is a store on which others change the event before every update.
type rushed struct {
	*store.Store
	times int
}

func (r *rushed) UpdateEvent(ctx context.Context, e store.Event) (store.Event, error) {
	if r.times--; r.times >= 0 {
		other, err := r.Event(ctx, e.ID)
		if err != nil {
			return e, err
		}
		other.Venue += "x"
		if _, err := r.Store.UpdateEvent(ctx, other); err != nil {
			return e, err
		}
	}
	return r.Store.UpdateEvent(ctx, e)
}

// TestChangeBesideOthers: nobody's change is lost, and nobody waits for ever.
func TestChangeBesideOthers(t *testing.T) {
	address := house(t)
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		c := changing{event: "gala", title: "The Gala", named: map[string]bool{"title": true}}
		before, after, _, err := c.change(t.Context(), &rushed{st, 3})
		if err != nil || before.Venue != "xxx" || after.Venue != "xxx" || after.Title != "The Gala" {
			t.Errorf("%v: from %+v to %+v, want the title on top of three changes of others", err, before, after)
		}
		c.title = "Never"
		if _, _, _, err := c.change(t.Context(), &rushed{st, 1000}); !errors.Is(err, store.ErrStale) {
			t.Errorf("against others who are always first: %v, want ErrStale", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// answer is what a post without JavaScript gets in the end.
func (r *rival) answer(path, seat string) (status int, page string) {
	r.program.t.Helper()
	answer, err := r.http.PostForm(r.program.site+path, url.Values{"seat": {seat}})
	if err != nil {
		r.program.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		r.program.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// TestSalesCloseAndOpenByCommand beside a server, on either engine: who then
// asks for a seat is told when sales closed, pages and open streams say it, too,
// and the same with prices.
func TestSalesCloseAndOpenByCommand(t *testing.T) {
	for name, p := range map[string]*program{
		"embedded": serveProgram(t),
		"MongoDB":  serveStoreOf(t, mongoWithDemo(t), noDemos),
	} {
		r := p.rival()
		until := func(what string, met func() bool) {
			t.Helper()
			for deadline := time.Now().Add(20 * time.Second); !met(); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%s: never came: %s", name, what)
				}
			}
		}
		live := p.follow("/events/demo/live")
		change := func(args ...string) {
			t.Helper()
			does(t, append([]string{"change", "--store", p.store, "--event", "demo"}, args...)...)
		}
		refused := func() bool { // what is granted meanwhile is given back
			status, page := r.answer("/events/demo/lock", "A1")
			if status == http.StatusOK {
				r.unlock("A1")
			}
			return status == http.StatusConflict && strings.Contains(page, "Sales closed on ")
		}

		change("--sales-close", "now", "--price", "front=1234.56", "--yes")
		until("a refusal with the time", refused)
		until("the page of others with the time and the price", func() bool {
			_, _, page := get(t, p.site+"/events/demo")
			return strings.Contains(page, "Sales closed on ") && strings.Contains(page, "€1,234.56")
		})
		until("the price in an open stream", func() bool { return strings.Contains(live.String(), "€1,234.56") })
		if seats := does(t, "seats", "--store", p.store, "--event", "demo", "--status", "locked"); strings.Contains(seats, "A1") {
			t.Errorf("%s: a refused seat is locked:\n%s", name, seats)
		}

		change("--sales-close", "none")
		until("a seat", func() bool { status, _ := r.answer("/events/demo/lock", "A1"); return status == http.StatusOK })
		until("a page without the notice", func() bool {
			_, _, page := get(t, p.site+"/events/demo")
			return !strings.Contains(page, "Sales closed on ")
		})
	}
}

// follow reads a stream until the test ends.
func (p *program) follow(path string) *output {
	p.t.Helper()
	answer, err := http.Get(p.site + path)
	if err != nil {
		p.t.Fatal(err)
	}
	said, ended := &output{}, make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(said, answer.Body) // it ends when the test does
	}()
	p.t.Cleanup(func() { _ = answer.Body.Close(); <-ended })
	return said
}

// TestHideAnEvent: a hidden event is on no list, opens by its address, and comes
// back; nothing else of it changes.
func TestHideAnEvent(t *testing.T) {
	p := serveProgram(t)
	does(t, "import", "--store", p.store, "--event", "gala", "--title", "The Gala", "--hidden", fileOf(t, "row,seat,category,price\nA,1,Front,28.00\nB,1,Rear,\n"))
	listed := func(want bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			status, _, page := get(t, p.site+"/events/gala")
			_, _, list := get(t, p.site+"/")
			if status == http.StatusOK && strings.Contains(page, "The Gala") && strings.Contains(list, "The Gala") == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the page answers %d, and the list is\n%s\nwant the event on it: %t", status, list, want)
			}
		}
	}
	listed(false)
	said := does(t, "change", "--store", p.store, "--event", "gala", "--hidden=false")
	if want := "Event gala was changed.\n  hidden  yes → no\n"; said != want {
		t.Errorf("it said %q, want %q", said, want)
	}
	listed(true)
	does(t, "change", "--store", p.store, "--event", "gala", "--hidden")
	listed(false)
}
