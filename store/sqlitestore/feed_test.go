package sqlitestore

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// TestEncodeChanges: what is written of changes is JSON, and comes back as it
// was, whatever the names in it.
func TestEncodeChanges(t *testing.T) {
	at := time.UnixMilli(1_795_605_843_083).UTC()
	want := []store.Change{
		{Event: "hall", Seat: store.Seat{ID: "A-1", Status: store.Locked, LockedBy: `"Σωκράτης" \o/ <&> 'x'`, LockTime: at, LockedUntil: at.Add(time.Minute), Extended: true, Version: 2}, Reason: store.ReasonLocked},
		{Event: "hall", Seat: store.Seat{ID: "A.2", Status: store.Available, Version: 1 << 60}, Before: `\`, Reason: store.ReasonGivenBack},
		{Event: "other", Seat: store.Seat{ID: "_", Status: store.Booked, LockedBy: "é", Booking: "B\"1\n\x00\t", Version: 7}, Before: "é", Reason: store.ReasonChanged},
	}
	body := encodeChanges("hall", want)
	if !json.Valid(body) {
		t.Fatalf("no JSON: %s", body)
	}
	got, err := decodeChanges("hall", string(body), nil)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got\n\t%+v, %v\nwant\n\t%+v", got, err, want)
	}
}
