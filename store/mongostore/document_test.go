package mongostore

import (
	"bytes"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/seatlock/seatlock/store"
)

func TestRowSurvives(t *testing.T) {
	now := time.UnixMilli(1_900_000_000_123).UTC()
	for _, r := range []row{
		{event: "e", place: 7, seat: store.Seat{ID: "s", Version: 1}},
		{event: "e", seat: store.Seat{ID: "s", Version: 3, Status: store.Locked, LockedBy: "$h", LockTime: now, LockedUntil: now.Add(time.Hour)}, before: "a.b", lapsed: true},
		{event: "e", seat: store.Seat{ID: "s", Version: 9, Status: store.Booked, LockedBy: "h", Booking: "b1"}, before: "h"},
	} {
		raw, err := bson.Marshal(r.document())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeRow(raw); err != nil || got != r {
			t.Errorf("got %+v, %v, want %+v", got, err, r)
		}
	}
}

func TestClockSurvives(t *testing.T) {
	now := time.UnixMilli(1_900_000_000_123).UTC()
	for _, c := range []clock{
		{event: "e", holder: "$h", started: now, deadline: now.Add(time.Hour), version: 1},
		{event: "e", holder: "h", started: now, deadline: now, extended: true, version: 2,
			grants: store.Grants{{Request: "a", Seats: []string{"s1", "s2"}}, {Request: "b", Seats: []string{"s3"}}}},
	} {
		raw, err := bson.Marshal(c.document())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeClock(raw); err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("got %+v, %v, want %+v", got, err, c)
		}
	}
}

func TestDamagedRows(t *testing.T) {
	good := row{event: "e", seat: store.Seat{ID: "s", Version: 1, LockedBy: "h"}}.document()
	for _, key := range []string{"event", "seat", "place", "status", "lockedBy", "version"} {
		bad := append(bson.D{}, good...)
		for i := range bad {
			if bad[i].Key == key {
				bad[i].Value = bson.A{}
			}
		}
		raw, err := bson.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeRow(raw); !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s is a list: got %v, want that it is damaged", key, err)
		}
	}
	if _, err := decodeRow(bson.Raw{5, 0, 0, 0, 0}); !errors.Is(err, errDamaged) {
		t.Errorf("an empty document: got %v", err)
	}
}

func TestTokenPosition(t *testing.T) {
	token := func(text string) bson.Raw {
		raw, err := bson.Marshal(bson.D{{Key: "_data", Value: text}})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for text, want := range map[string]uint64{
		"826B056CA6000000722B022C0100296E5A1004": 0x6B056CA6_00000072,
		"826B056CA600000072":                     0x6B056CA6_00000072,
		"826B056CA6000000":                       0,
		"836B056CA600000072":                     0,
		"82zz056CA600000072":                     0,
		"":                                       0,
	} {
		if got := tokenPosition(token(text)); got != want {
			t.Errorf("%q is at %x, want %x", text, got, want)
		}
	}
	if got := tokenPosition(nil); got != 0 {
		t.Errorf("no token is at %x", got)
	}
}

func TestOldServersAreRefused(t *testing.T) {
	for version, want := range map[int32]error{4: errTooOld, 5: errTooOld, 6: nil, 8: nil} {
		if err := (build{Version: []int32{version, 0, 5, 0}, Text: "x"}).fault(); !errors.Is(err, want) {
			t.Errorf("version %d: %v, want %v", version, err, want)
		}
	}
	if err := (build{}).fault(); !errors.Is(err, errTooOld) {
		t.Errorf("no version: %v", err)
	}
}

func TestSkewIsTold(t *testing.T) {
	var log bytes.Buffer
	s := &Store{log: slog.New(slog.NewTextHandler(&log, nil))}
	now := time.Now()
	s.checkClock(now.Add(900*time.Millisecond), now)
	if log.Len() > 0 {
		t.Errorf("less than a second is told: %s", &log)
	}
	s.checkClock(now.Add(-1500*time.Millisecond), now)
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "-1.5s") {
		t.Errorf("a clock that is behind is told as %q", &log)
	}
}

// A reading that was under way while an update of this instance was committed
// does not bring the old sales times back.
func TestSalesTimesAreTheNewest(t *testing.T) {
	var times salesTimes
	put := func(revision int64, read time.Time) {
		times.put(salesTime{&store.Event{ID: "e", Revision: revision}, read})
	}
	now := time.Now()
	put(2, now)
	put(1, now)
	if e := times.get("e"); e == nil || e.Revision != 2 {
		t.Errorf("got %+v, want revision 2", e)
	}
	put(3, now.Add(-salesAge))
	put(2, now)
	if e := times.get("e"); e != nil {
		t.Errorf("got %+v, want nothing: revision 3 was read too long ago, and 2 is older", e)
	}
}
