package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// File is the content of a plan file: the plan, and what belongs to the event
// that is made from it.
type File struct {
	Plan Plan
	// Prices are the prices that the file has as whole numbers: minor units by
	// category id. [File.PricesIn] returns all prices.
	Prices map[string]int64
	// Decimal are the prices with decimals, in the main unit of a currency that
	// the file does not name. A category in neither has no price.
	Decimal map[string]DecimalPrice
	// Withheld are the ids of seats that are not for sale at first.
	Withheld []string
	// Odd are the texts that a new plan may not have, see [store.CheckText], and
	// the labels of seats at the place of another.
	Odd []OddText
}

// OddText is a text, and what is wrong with it and where in the file.
type OddText struct {
	Text string
	Err  error
}

const maxBytes = 64 << 20 // of a plan file

// Read reads a plan file in any of the formats of docs/plan.md, and recognizes
// them by their content: Seatlock's own JSON, pretix's seating plans, the bare
// array of seats, and CSV with a header.
//
// An error is one line that names the line, or the path, and the field that is
// wrong. A plan without an error has seats that do not overlap, unique ids and
// known categories: it can become an event if Odd is empty and its prices fit
// the currency.
func Read(r io.Reader) (File, error) {
	draft, err := ReadDraft(r)
	return draft.File, err
}

// ReadDraft is [Read] for an event that may exist already: it keeps which ids the
// file has.
func ReadDraft(r io.Reader) (Draft, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return Draft{}, fmt.Errorf("read plan: %w", err)
	}
	if len(data) > maxBytes {
		return Draft{}, fmt.Errorf("plan is larger than %d MiB", maxBytes>>20)
	}
	data = bytes.TrimLeft(data, "\ufeff")
	if at := invalidUTF8(data); at >= 0 {
		return Draft{}, fmt.Errorf("line %d: not UTF-8: save the file in that encoding", line(data, int64(at)))
	}
	b := newBuilder()
	if err := reader(data)(b, data); err != nil {
		return Draft{}, err
	}
	return b.finish()
}

// reader returns the reader for the format of data. A JSON object with zones is
// pretix's.
func reader(data []byte) func(*builder, []byte) error {
	switch first := bytes.TrimLeft(data, " \t\r\n"); {
	case bytes.HasPrefix(first, []byte("[")):
		return readArray
	case bytes.HasPrefix(first, []byte("{")):
		var probe struct {
			Zones json.RawMessage `json:"zones"`
		}
		if json.Unmarshal(data, &probe) == nil && probe.Zones != nil {
			return readPretix
		}
		return readJSON
	}
	return readCSV
}

// invalidUTF8 returns where data stops being UTF-8, or -1.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for at := 0; ; {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
}

func line(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
}
