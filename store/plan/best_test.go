package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// rows makes a hall of rows A, B, C … away from the stage, drawn as text: a dot
// is a free seat, x a taken one, w a wheelchair place, c a companion seat, r a
// seat of restricted view, and a space an aisle.
func rows(drawn ...string) (Plan, func(string) bool) {
	p := Plan{Sections: []Section{{ID: "hall", Name: "Hall"}}}
	taken := map[string]bool{}
	for i, line := range drawn {
		row := Row{Label: string(rune('A' + i))}
		for x, mark := range line {
			id := fmt.Sprint(row.Label, x+1)
			s := Seat{ID: id, Label: fmt.Sprint(x + 1), Category: "one", X: float64(x), Y: float64(i)}
			switch mark {
			case ' ':
				continue
			case 'x':
				taken[id] = true
			case 'w':
				s.Properties = []Property{Accessible}
			case 'c':
				s.Properties = []Property{Companion}
			case 'r':
				s.Properties = []Property{Restricted}
			case '2':
				s.Category = "two"
			}
			row.Seats = append(row.Seats, s)
		}
		p.Sections[0].Rows = append(p.Sections[0].Rows, row)
	}
	return p, func(id string) bool { return !taken[id] }
}

func TestBest(t *testing.T) {
	for name, test := range map[string]struct {
		wish  Wish
		drawn []string
		want  string // "" is none
	}{
		"the middle of the front":          {Wish{Count: 3}, []string{".......", "......."}, "A3 A4 A5"},
		"one seat":                         {Wish{Count: 1}, []string{".....", "....."}, "A3"},
		"the next row before the far side": {Wish{Count: 2}, []string{"......xxxx....", ".............."}, "B7 B8"},
		"not across an aisle":              {Wish{Count: 4}, []string{".. ..", "....."}, "B1 B2 B3 B4"},
		"no single seat left alone":        {Wish{Count: 2}, []string{"...x...."}, "A5 A6"},
		"a single one where all leave one": {Wish{Count: 2}, []string{"x...x"}, "A2 A3"},
		"a single one that was so before":  {Wish{Count: 2}, []string{"x.x..x"}, "A4 A5"},
		"no restricted view, if it can be": {Wish{Count: 2}, []string{"..rr..", "......"}, "B3 B4"},
		"no wheelchair place unasked":      {Wish{Count: 2}, []string{"..wc..", "xx..xx"}, "B3 B4"},
		"none but wheelchair places":       {Wish{Count: 2}, []string{"wc"}, ""},
		"a wheelchair place that is asked": {Wish{Count: 2, Accessible: true}, []string{"......", "....wc"}, "B5 B6"},
		"one wheelchair place of two":      {Wish{Count: 2, Accessible: true}, []string{"..ww..wc"}, "A7 A8"},
		"a wheelchair place and friends":   {Wish{Count: 4, Accessible: true}, []string{"......", ".wc..."}, "B1 B2 B3 B4"},
		"of a category":                    {Wish{Count: 2, Category: "two"}, []string{"......", "22...."}, "B1 B2"},
		"of no such category":              {Wish{Count: 2, Category: "three"}, []string{"......"}, ""},
		"of another section":               {Wish{Count: 2, Section: "circle"}, []string{"......"}, ""},
		"of the section":                   {Wish{Count: 2, Section: "hall"}, []string{"......"}, "A3 A4"},
		"more than a row":                  {Wish{Count: 7}, []string{"......", "......"}, ""},
		"all of a row":                     {Wish{Count: 6}, []string{"......"}, "A1 A2 A3 A4 A5 A6"},
		"nobody":                           {Wish{Count: 0}, []string{"..."}, ""},
		"less than nobody":                 {Wish{Count: -1}, []string{"..."}, ""},
		"a whole country":                  {Wish{Count: 1e9}, []string{"..."}, ""},
		"sold out":                         {Wish{Count: 1}, []string{"xxx"}, ""},
	} {
		p, free := rows(test.drawn...)
		got, ok := p.Best(test.wish, free)
		if strings.Join(got, " ") != test.want || ok != (test.want != "") {
			t.Errorf("%s: got %q, %t, want %q", name, got, ok, test.want)
		}
	}
}

func TestStranded(t *testing.T) {
	for _, test := range []struct{ drawn, take, want string }{
		{".....", "A2", "A1"},
		{".....", "A3", ""},
		{".....", "A2 A4", "A1 A3 A5"},
		{"...x.", "A2", "A1 A3"},
		{".. ..", "A1", "A2"},
		{".x.x.", "A1", ""},
		{"w.c..", "A2", ""},
		{".....", "A1 A2 A3 A4 A5", ""},
		{".....", "", ""},
	} {
		p, free := rows(test.drawn)
		got := p.Stranded(strings.Fields(test.take), free)
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s in %q leaves %q alone, want %q", test.take, test.drawn, got, test.want)
		}
	}
}

// Groups that come one after the other fill a hall. Each gets free seats side by
// side, and the same ones however often it asks.
func TestBestFillsAHall(t *testing.T) {
	p, _ := rows("..........", "..... .....", "...........")
	taken := map[string]bool{}
	free := func(id string) bool { return !taken[id] }
	for count := 3; count > 0; {
		block, ok := p.Best(Wish{Count: count}, free)
		if again, _ := p.Best(Wish{Count: count}, free); !slices.Equal(block, again) {
			t.Fatalf("got %q and then %q", block, again)
		}
		if !ok {
			count--
			continue
		}
		if len(block) != count {
			t.Fatalf("got %q for %d", block, count)
		}
		for _, id := range block {
			if taken[id] {
				t.Fatalf("%s is given away twice", id)
			}
			taken[id] = true
		}
	}
	if all := len(p.SeatIDs()); len(taken) != all {
		t.Errorf("%d of %d seats were found", len(taken), all)
	}
}

func BenchmarkBest(b *testing.B) {
	line := strings.Repeat(".", 50)
	drawn := make([]string, 400)
	for i := range drawn {
		drawn[i] = line
	}
	p, free := rows(drawn...)
	for b.Loop() {
		p.Best(Wish{Count: 4}, free)
	}
}
