package store

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

const (
	zwj, zwnj, vs16 = "\u200d", "\u200c", "\ufe0f"
	blackFlag       = "\U0001F3F4"
	gb, cancel      = "\U000E0067\U000E0062", "\U000E007F"
	scotland        = blackFlag + gb + "\U000E0073\U000E0063\U000E0074" + cancel
)

func TestCheckText(t *testing.T) {
	for name, text := range map[string]string{
		"Latin": "An Evening", "a digit": "1", "a dot": "·", "German": "Füße", "Vietnamese, taken apart": "Tie\u0302\u0301ng Vie\u0323\u0302t",
		"Hebrew with points": "בְּרֵאשִׁ֖ית", "Arabic": "مَسْرَحٌ", "Persian with a joiner": "می" + zwnj + "خواهم", "Devanagari": "क्" + zwj + "ष", "Thai": "ที่นั่ง",
		"Han": "木", "Hangul": "극장", "Hangul, in parts": "\u1100\u1161\u11a8", "a family": "👩" + zwj + "👩" + zwj + "👧", "a heart": "❤" + vs16,
		"a keycap": "1" + vs16 + "\u20e3", "a flag": "🇦🇹", "Scotland": "Tour " + scotland, "two flags with tags": scotland + scotland, "a black flag": blackFlag,
		"an ideographic variant": "葛\U000E0100", "a variant of a mark's letter": "a\u0301" + vs16 + "\u0302\u0303\u0304", "four marks": "a\u0301\u0302\u0303\u0304",
		"four on each": "a\u0301\u0302\u0303\u0304b\u0301\u0302\u0303\u0304", "soft hyphen within": "Abend\u00adkasse", "a zero-width space within": "a\u200bb",
		"a face that Unicode may yet get": "\U0001FAFF",
	} {
		if err := CheckText(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, texts := range map[string][]string{
		"no visible character": {
			"", " ", "\u00a0", "\u3000", "\u200b", "\ufeff", zwj, zwnj, vs16, "\u2060", "\u00ad", "\u180e", "\u034f", zwj + " " + zwnj, "\u115f", "\u1160", "\u3164", "\uffa0", "\u2800",
			"\u3164\u3164", "\u0301", "\u0301\u0302", "\u20e3", "\u0903", "\U000E0100", "\U000E0020", gb + cancel, "\U0001D159", "\U00013441", "\ue000", "\ufffc", "\uffff", "\u17b4", "\u2063", "\U0001D173",
		},
		"tag characters that are no flag": {
			"a\U000E0062", "a" + gb + cancel, "a\U000E0001", blackFlag + cancel, blackFlag + gb + cancel, blackFlag + gb + "\U000E0073", blackFlag + " " + gb + "\U000E0073" + cancel,
			scotland + gb, blackFlag + gb + gb + gb + gb + cancel, blackFlag + gb + "\U000E0041" + cancel, "🏳" + gb + "\U000E0073" + cancel, scotland[:len(scotland)-4],
		},
		"more than 4 combining marks": {
			"a\u0301\u0302\u0303\u0304\u0305", "ab" + strings.Repeat("\u0301", 5), "a\u0301\u0302" + zwj + "\u0303\u0304\u0305", "a\u0301\u0302" + vs16 + "\u0303\u0304\u0305",
			"a" + strings.Repeat("\u034f", 5), " " + strings.Repeat("\u20dd", 5) + "a",
		},
	} {
		for _, text := range texts {
			if err := CheckText(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%+q: %v, want %s", text, err, want)
			}
		}
	}
	if err := CheckText(strings.Repeat("\u0301", 1000)); len(err.Error()) > 400 {
		t.Errorf("an endless error: %v", err)
	}
}

// oldEvent is what programs of before took, and this one takes no more.
func oldEvent() Event {
	return Event{ID: "old", Title: "\u3164", Venue: "a\U000E0062", Zone: "Mars/Olympus", Currency: "BTC",
		Prices: map[string]int64{"dear": math.MaxInt64, "cheap": 1}, Plan: "p", Revision: 3}
}

// TestNewTextsOnly: a change is checked for what it changes.
func TestNewTextsOnly(t *testing.T) {
	for name, change := range map[string]func(*Event){
		"title": func(e *Event) { e.Title = "The Gala" }, "no venue": func(e *Event) { e.Venue = "" }, "zone": func(e *Event) { e.Zone = "UTC" },
		"sales": func(e *Event) { e.SalesClose = time.Unix(1, 0) }, "hidden": func(e *Event) { e.Hidden = true },
		"a price": func(e *Event) { e.Prices = map[string]int64{"dear": math.MaxInt64, "cheap": MaxPrice, "new": 0} },
	} {
		asked := oldEvent()
		change(&asked)
		if next, err := oldEvent().update(asked); err != nil || next.Revision != 4 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, change := range map[string]func(*Event){
		"title": func(e *Event) { e.Title = "\u115f" }, "venue": func(e *Event) { e.Venue = "b\U000E0062" }, "zone": func(e *Event) { e.Zone = "Mars/Tharsis" },
		`price of "dear"`: func(e *Event) { e.Prices = map[string]int64{"dear": math.MaxInt64 - 1} },
		`price of "new"`:  func(e *Event) { e.Prices = map[string]int64{"new": MaxPrice + 1} },
		"currency":        func(e *Event) { e.Currency = "XXX" },
	} {
		asked := oldEvent()
		change(&asked)
		if next, err := oldEvent().update(asked); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) || next.Revision != 3 {
			t.Errorf("%v, want ErrInvalid that names %s", err, want)
		}
	}
	stale := oldEvent()
	stale.Revision, stale.Title = 2, "\u115f"
	if _, err := oldEvent().update(stale); !errors.Is(err, ErrStale) {
		t.Errorf("from an older revision: %v, want ErrStale: what is new cannot be told", err)
	}
	for want, change := range map[string]func(*Event){
		"title": func(e *Event) { e.Title = "\u3164" }, "venue": func(e *Event) { e.Venue = "a\U000E0062" }, "zone": func(e *Event) { e.Zone = "" },
		"currency": func(e *Event) { e.Currency = "BTC" }, "price": func(e *Event) { e.Prices = map[string]int64{"c": MaxPrice + 1} },
	} {
		e := Event{ID: "new", Title: "The Gala", Zone: "UTC", Currency: "EUR", Prices: map[string]int64{"c": MaxPrice}}
		if err := e.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&e)
		if err := e.Validate(); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want ErrInvalid that names %s", err, want)
		}
	}
}
