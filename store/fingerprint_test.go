package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// oldDefinition has the fields of a NewEvent of Seatlock 48c37df, whose
// fingerprint was the hash of what json.Marshal made of it.
type oldDefinition struct {
	ID, Title, Venue      string
	Starts                time.Time
	Zone, Currency        string
	Prices                map[string]int64
	SalesOpen, SalesClose time.Time
	Plan                  string
	Revision              int64
	PlanBody              []byte
	Seats, Withheld       []string
}

func oldFingerprint(t *testing.T, e store.NewEvent) string {
	t.Helper()
	body, err := json.Marshal(oldDefinition{
		e.ID, e.Title, e.Venue, e.Starts.UTC().Round(0), e.Zone, e.Currency, e.Prices,
		e.SalesOpen.UTC().Round(0), e.SalesClose.UTC().Round(0), e.Plan, e.Revision, nil, e.Seats, e.Withheld,
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// TestFingerprintOfFixtures rebuilds the definitions of the events in the
// fixtures of format 2, which have these fingerprints.
func TestFingerprintOfFixtures(t *testing.T) {
	body, err := os.ReadFile("../cmd/seatlock/testdata/hall.json")
	if err != nil {
		t.Fatal(err)
	}
	file, err := plan.Read(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	define := func(e store.Event) store.NewEvent {
		e.Zone, e.Currency, e.Prices, e.Revision = "Europe/Vienna", "EUR", file.Prices, 1
		n := store.NewEvent{Event: e, PlanBody: file.Plan.Encode(), Seats: file.Plan.SeatIDs(), Withheld: file.Withheld}
		n.Plan = store.PlanHash(n.PlanBody)
		return n
	}
	for want, e := range map[string]store.Event{
		"ab30d04b405b882c741eaa7b86e6ce888e558d58fefbb2d21874985d6bdbff35": {
			ID: "matinee", Title: "Matinee", Venue: "Hall of the format 2 fixtures", Starts: time.UnixMilli(2377587600000).In(vienna),
			SalesOpen: time.UnixMilli(1767258000000).In(vienna), SalesClose: time.UnixMilli(2377585800000).In(vienna),
		},
		"18da49ca8c5f3c7b4115fc051794ced62f93e28d36f27c20cd7bcd3a79ebce2e": {
			ID: "evening", Title: "Ein Abend für Σωκράτης", Venue: "Stadttheater", Starts: time.UnixMilli(2377531800000).In(vienna),
		},
	} {
		if got := define(e).Fingerprint(); got != want {
			t.Errorf("the fingerprint of %s is %s, want %s", e.ID, got, want)
		}
	}
}

// TestFingerprint compares with the old way for random valid events.
func TestFingerprint(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("the random source began with seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		e := randomEvent(random)
		if err := e.Validate(); err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		if got, want := e.Fingerprint(), oldFingerprint(t, e); got != want {
			t.Fatalf("the fingerprint of %+v is %s, want %s", e, got, want)
		}
	}
}

// randomEvent has texts with all that JSON writes in another way.
func randomEvent(random *rand.Rand) store.NewEvent {
	letters := strings.Split("a Z 0 \" \\ / < > & ' \u00e9 日 🎻 \ufffd \ufeff e\u0301 $ .", " ")
	letters = append(letters, " ", "\u00a0")
	text := func(least int) string {
		if least == 0 && random.IntN(10) == 0 {
			return ""
		}
		var b strings.Builder
		for range random.IntN(20) {
			b.WriteString(letters[random.IntN(len(letters))])
		}
		return b.String() + "x"
	}
	instant := func() time.Time {
		at := time.Unix(random.Int64N(3e9)-1e9, []int64{0, 1e6, 120e6, 1, 123456789}[random.IntN(5)])
		return at.In(time.FixedZone("elsewhere", random.IntN(86400)-43200))
	}
	e := store.NewEvent{Event: store.Event{
		ID: "a.B-_9", Title: text(1), Venue: text(0), Zone: []string{"UTC", "Europe/Vienna"}[random.IntN(2)], Currency: "EUR",
		Starts: instant(), Plan: store.PlanHash([]byte(text(0))), Revision: random.Int64N(3),
	}, PlanBody: []byte("{}"), Seats: []string{"s1"}}
	if random.IntN(2) == 0 {
		e.SalesOpen = instant()
		e.SalesClose = e.SalesOpen.Add(time.Duration(1 + random.Int64N(1e15)))
	}
	for range random.IntN(4) {
		if e.Prices == nil {
			e.Prices = map[string]int64{}
		}
		e.Prices[text(0)] = random.Int64N(store.MaxPrice + 1)
	}
	for i := range random.IntN(4) {
		e.Seats = append(e.Seats, fmt.Sprintf("%d.%d", i, random.IntN(100)))
		e.Withheld = append(e.Withheld, e.Seats[random.IntN(len(e.Seats))])
	}
	if random.IntN(3) == 0 {
		e.Prices, e.Withheld = map[string]int64{}, []string{}
	}
	return e
}

// TestFingerprintOfTerms has terms count, each in its own place, and an event
// without any be as it was before there were terms.
func TestFingerprintOfTerms(t *testing.T) {
	e := randomEvent(rand.New(rand.NewPCG(1, 2)))
	seen := map[string]store.Terms{oldFingerprint(t, e): {}}
	if _, same := seen[e.Fingerprint()]; !same {
		t.Fatalf("without terms the fingerprint is %s", e.Fingerprint())
	}
	for _, terms := range []store.Terms{
		{CancelUntil: time.Hour}, {PayWithin: time.Hour}, {PayUntil: time.Hour}, {CancelUntil: store.Never}, {CancelUntil: store.AtStart},
		{CancelUntil: time.Hour, PayWithin: time.Hour}, {CancelUntil: 24 * time.Hour, PayWithin: 48 * time.Hour, PayUntil: time.Hour},
	} {
		e.Terms = terms
		if other, there := seen[e.Fingerprint()]; there {
			t.Errorf("%+v and %+v have one fingerprint", terms, other)
		}
		seen[e.Fingerprint()] = terms
	}
	e.Hidden = true
	if other, there := seen[e.Fingerprint()]; there {
		t.Errorf("hidden it has the fingerprint of %+v", other)
	}
}

// TestFingerprintOfTariffs freezes the encoding of tariffs, and has each field of
// them count.
func TestFingerprintOfTariffs(t *testing.T) {
	e := store.NewEvent{Event: store.Event{
		ID: "evening", Title: "Evening", Zone: "UTC", Currency: "EUR", Prices: map[string]int64{"stalls": 4500},
		Starts: time.Date(2031, 5, 4, 17, 30, 0, 0, time.UTC), Plan: store.PlanHash([]byte("{}")), Revision: 1,
	}, Seats: []string{"s1"}}
	full := store.Tariff{ID: "full", Name: "Full"}
	reduced := store.Tariff{ID: "reduced", Name: `Ermäßigt <"U26">`, Off: 25, Most: 4, Beside: true}
	child := store.Tariff{ID: "child", Name: "Child", Prices: map[string]int64{"stalls": 700, "box": 0, `a"b`: 1}}
	for want, tariffs := range map[string][]store.Tariff{
		"ed165dceb9ad7558ba870a98190c72b4e1e09e51079457a033c6cae22cc6b1af": nil,
		"40bc9ea84efdafdea9899eb6158100d228d47594e7c0ecfeb5b12e2d08b512ec": {full},
		"7a59fbca61b2f1649d7dc6e7ac04a8a31fb1b8b5b08acc937b7761d8e973530e": {full, reduced, child},
	} {
		if e.Tariffs = tariffs; e.Fingerprint() != want {
			t.Errorf("with %+v the fingerprint is %s, want %s", tariffs, e.Fingerprint(), want)
		}
	}
	seen := map[string]bool{}
	for _, tariffs := range [][]store.Tariff{
		nil, {full}, {full, full}, {full, reduced}, {reduced, full}, {{ID: "a", Name: "Full"}}, {{ID: "full", Name: "a"}}, {{ID: "full", Name: "Full", Off: 1}},
		{{ID: "full", Name: "Full", Most: 1}}, {{ID: "full", Name: "Full", Beside: true}}, {{ID: "full", Name: "Full", Prices: map[string]int64{}}},
		{{ID: "full", Name: "Full", Prices: map[string]int64{"a": 1}}}, {{ID: "full", Name: "Full", Prices: map[string]int64{"a": 2}}}, {{ID: "full", Name: "Full", Prices: map[string]int64{"b": 1}}},
	} {
		if e.Tariffs = tariffs; seen[e.Fingerprint()] {
			t.Errorf("%+v has the fingerprint of others", tariffs)
		}
		seen[e.Fingerprint()] = true
	}
}
