package store

import (
	"errors"
	"testing"
	"time"
)

// The zones are those of the program, whatever the machine has.
func TestZone(t *testing.T) {
	t.Setenv("ZONEINFO", t.TempDir())
	vienna, err := Zone("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2030, 7, 1, 12, 0, 0, 0, time.UTC).In(vienna)
	if name, offset := at.Zone(); name != "CEST" || offset != 2*60*60 || vienna.String() != "Europe/Vienna" {
		t.Errorf("in Vienna it is %s, %d s, in %s", name, offset, vienna)
	}
	if again, err := Zone("Europe/Vienna"); again != vienna || err != nil {
		t.Errorf("asked again: %v, %v", again, err)
	}
	for _, name := range []string{"", "Local", "europe/vienna", "Europe", "Europe/", "/etc/localtime", "../UTC", "posix/Europe/Vienna", "Mars/Olympus"} {
		if zone, err := Zone(name); !errors.Is(err, ErrInvalid) {
			t.Errorf("Zone(%q) = %v, %v", name, zone, err)
		}
	}
}
