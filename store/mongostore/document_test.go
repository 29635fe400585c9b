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

func TestSeatSurvives(t *testing.T) {
	now := time.UnixMilli(1_900_000_000_123).UTC()
	for _, want := range []seatDocument{
		{event: "e", place: 7, seat: store.Seat{ID: "s", Version: 1}},
		{event: "e", seat: store.Seat{ID: "s", Version: 3, Status: store.Locked, LockedBy: "$h", LockTime: now, LockedUntil: now.Add(time.Hour)}, before: "a.b", reason: store.ReasonLapsed},
		{event: "e", seat: store.Seat{ID: "s", Version: 4, Status: store.Paying, LockedBy: "h", LockTime: now, LockedUntil: now.Add(time.Hour), Extended: true, Booking: "b1"}},
		{event: "e", seat: store.Seat{ID: "s", Version: 9, Status: store.Booked, LockedBy: "h", Booking: "b1"}, before: "h", reason: store.ReasonBooked},
	} {
		if got, err := decodeSeat(marshal(t, want.document())); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func marshal(t *testing.T, document bson.D) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestClockSurvives(t *testing.T) {
	now := time.UnixMilli(1_900_000_000_123).UTC()
	for _, want := range []store.Clock{
		{Started: now, Deadline: now.Add(time.Hour), Version: 1},
		{Started: now, Deadline: now, Extended: true, Paying: true, Version: 2,
			Grants: store.Grants{{Request: "a", Seats: []string{"s1", "s2"}}, {Request: "b", Seats: []string{"s3"}}}},
	} {
		raw := marshal(t, clockDocument{event: "e", holder: "$h", clock: want}.document())
		got, err := decodeClock(raw)
		if err != nil || got.event != "e" || got.holder != "$h" || !reflect.DeepEqual(got.clock, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		if _, err := raw.LookupErr("over"); (err != nil) != want.Paying {
			t.Errorf("%v: the servers must remove it only if nobody pays", raw)
		}
	}
}

func TestRecordSurvives(t *testing.T) {
	kinds := []store.Kind{{Name: "k", Indexes: []string{"a", "b"}}}
	for _, want := range []store.Record{
		{Key: store.Key{Kind: "k", ID: "$i/d.x"}, Version: 1, Body: []byte(`{}`)},
		{Key: store.Key{Kind: "k", ID: "é"}, Version: 7, Body: []byte(" {\n\"n\": 1.0e400, \"n\": 12345678901234567890}"),
			Expires: time.UnixMilli(1_900_000_000_123).UTC(), Index: map[string]string{"a": "$x", "b": "y"}},
	} {
		if got, err := decodeRecord(marshal(t, recordDocument{record: want}.document()), kinds); err != nil || !reflect.DeepEqual(got.record, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

// A lapse is told also if a program of format 2 has written it, and a reason
// that only a newer one knows is none.
func TestReasons(t *testing.T) {
	seat := seatDocument{event: "e", seat: store.Seat{ID: "s", Version: 2}, before: "h"}
	for _, test := range []struct {
		fields bson.D
		want   store.Reason
	}{
		{nil, store.ReasonChanged},
		{bson.D{{Key: "lapsed", Value: true}}, store.ReasonLapsed},
		{bson.D{{Key: "lapsed", Value: false}}, store.ReasonChanged},
		{bson.D{{Key: "reason", Value: "lapsed"}}, store.ReasonLapsed},
		{bson.D{{Key: "reason", Value: "on sale"}}, store.ReasonOnSale},
		{bson.D{{Key: "reason", Value: "raffled"}}, store.ReasonChanged},
	} {
		got, err := decodeSeat(marshal(t, append(seat.document(), test.fields...)))
		if err != nil || got.change().Reason != test.want {
			t.Errorf("%v: got %q, %v, want %q", test.fields, got.reason, err, test.want)
		}
	}
}

// What a newer program has written beside what is known goes with it, and a
// status that is unknown is told as that.
func TestUnknownFieldsSurvive(t *testing.T) {
	more := bson.D{{Key: "aaa", Value: bson.Null{}}, {Key: "later", Value: bson.A{int32(1), bson.D{{Key: "x.y", Value: "$z"}}}}}
	survive := func(what string, document bson.D, again func(bson.Raw) (bson.D, error)) {
		t.Helper()
		raw := marshal(t, append(append(document, more...), bson.E{Key: touchedField, Value: 3}))
		next, err := again(raw)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if got, want := marshal(t, next), marshal(t, append(document, more...)); !bytes.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	seat := seatDocument{event: "e", seat: store.Seat{ID: "s", Version: 2}}.document()
	survive("seat", seat, func(raw bson.Raw) (bson.D, error) { s, err := decodeSeat(raw); return s.document(), err })
	clock := clockDocument{event: "e", holder: "h", clock: store.Clock{Version: 1}}.document()
	survive("clock", clock, func(raw bson.Raw) (bson.D, error) { c, err := decodeClock(raw); return c.document(), err })
	kinds := []store.Kind{{Name: "k", Indexes: []string{"a"}}}
	record := recordDocument{record: store.Record{Key: store.Key{Kind: "k", ID: "i"}, Version: 1, Index: map[string]string{"a": "x", "b": "y"}}}.document()
	survive("record", record, func(raw bson.Raw) (bson.D, error) {
		r, err := decodeRecord(raw, kinds)
		if len(r.record.Index) != 1 {
			t.Errorf("an index that nobody declares is told: %v", r.record.Index)
		}
		return r.document(), err
	})
	for i := range seat {
		if seat[i].Key == "status" {
			seat[i].Value = "raffled"
		}
	}
	if s, err := decodeSeat(marshal(t, seat)); err != nil || s.seat.Status != store.Unknown {
		t.Errorf("an unknown status: got %+v, %v", s, err)
	}
}

func TestDamagedSeats(t *testing.T) {
	good := seatDocument{event: "e", seat: store.Seat{ID: "s", Version: 1, LockedBy: "h"}, reason: store.ReasonLocked}.document()
	for _, key := range []string{"event", "seat", "place", "status", "lockedBy", "version", "reason"} {
		bad := append(bson.D{}, good...)
		for i := range bad {
			if bad[i].Key == key {
				bad[i].Value = bson.A{}
			}
		}
		if _, err := decodeSeat(marshal(t, bad)); !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s is a list: got %v, want that it is damaged", key, err)
		}
	}
	if _, err := decodeSeat(bson.Raw{5, 0, 0, 0, 0}); !errors.Is(err, errDamaged) {
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
	e := &Engine{log: slog.New(slog.NewTextHandler(&log, nil))}
	now := time.Now()
	e.checkClock(now.Add(900*time.Millisecond), now)
	if log.Len() > 0 {
		t.Errorf("less than a second is told: %s", &log)
	}
	e.checkClock(now.Add(-1500*time.Millisecond), now)
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "-1.5s") {
		t.Errorf("a clock that is behind is told as %q", &log)
	}
}

// A reading that was under way while an update of this instance was committed
// does not bring the old sales times back.
func TestSalesTimesAreTheNewest(t *testing.T) {
	var times salesTimes
	put := func(revision int64, read time.Time) {
		times.put(salesTime{store.Event{ID: "e", Revision: revision}, read})
	}
	now := time.Now()
	put(2, now)
	put(1, now)
	if e, known := times.get("e"); !known || e.Revision != 2 {
		t.Errorf("got %+v, want revision 2", e)
	}
	put(3, now.Add(-salesAge))
	put(2, now)
	if e, known := times.get("e"); known {
		t.Errorf("got %+v, want nothing: revision 3 was read too long ago, and 2 is older", e)
	}
	put(3, now.Add(-2*planTimeout))
	put(1, now)
	if e, known := times.get("e"); !known || e.Revision != 1 {
		t.Errorf("got %+v, want revision 1, of the event made again", e)
	}
	put(5, now)
	times.forget("e")
	put(1, now)
	if e, known := times.get("e"); !known || e.Revision != 1 {
		t.Errorf("got %+v, want that of the event made again", e)
	}
}
