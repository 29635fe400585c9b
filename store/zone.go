package store

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"sync"
	"time"
)

// zoneinfo is lib/time/zoneinfo.zip of the Go distribution: the IANA database,
// one file a zone. A newer one is copied over it.
//
//go:embed zoneinfo.zip
var zoneinfo []byte

// zoneFiles opens the database once.
var zoneFiles = sync.OnceValues(func() (*zip.Reader, error) {
	return zip.NewReader(bytes.NewReader(zoneinfo), int64(len(zoneinfo)))
})

// zones caches the zones that were asked for.
var zones sync.Map // of *time.Location by name

// Zone returns the IANA time zone with this name, such as Europe/Vienna. The
// list and its rules come with the program: an event that one machine accepts
// is never without its zone on the next, and its times are the same on all.
// The system's list and ZONEINFO are not used. An unknown zone is ErrInvalid.
func Zone(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	zone, err := readZone(name)
	if err != nil {
		return nil, fmt.Errorf("%w: zone %q: want an IANA time zone, such as Europe/Vienna", ErrInvalid, name)
	}
	zones.Store(name, zone)
	return zone, nil
}

func readZone(name string) (*time.Location, error) {
	files, err := zoneFiles()
	if err != nil {
		return nil, err
	}
	file, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		return nil, err // a folder is not a zone
	}
	return time.LoadLocationFromTZData(name, data)
}
