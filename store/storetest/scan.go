package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

// scan returns all records, page by page: the last page is the one that is
// shorter than asked for.
func (w *world) scan(s store.Scan) (all []store.Record) {
	w.Helper()
	for {
		page, err := w.s.Records(w.Context(), s)
		w.must(err)
		if all = append(all, page...); len(page) < s.Limit {
			return all
		}
		if len(page) > s.Limit {
			w.Fatalf("a page of %d records, want at most %d", len(page), s.Limit)
		}
		s.After = page[len(page)-1]
	}
}

// wantScan fails unless the scan comes to the records with these ids.
func (w *world) wantScan(s store.Scan, want ...string) {
	w.Helper()
	var got []string
	for _, r := range w.scan(s) {
		got = append(got, r.ID)
	}
	if !slices.Equal(got, want) {
		w.Fatalf("scan %+v:\n\t%q\nwant\n\t%q", s, got, want)
	}
}

func scanIDs(w *world) {
	w.wantScan(store.Scan{Kind: parcel, Limit: 10})
	for _, id := range []string{"b", "c", "a"} {
		w.put(w.s, parcelOf(id, `{}`))
	}
	w.must(putRecord(w.Context(), w.s, store.Record{Key: store.Key{Kind: store.Session, ID: "bb"}, Body: json.RawMessage(`{}`)}))
	w.wantScan(store.Scan{Kind: parcel, Limit: 10}, "a", "b", "c")
	w.must(dropRecord(w.Context(), w.s, parcelKey("b")))
	w.wantScan(store.Scan{Kind: parcel, Limit: 10}, "a", "c")
	second, err := w.second().Records(w.Context(), store.Scan{Kind: parcel, Limit: 10})
	w.must(err)
	if len(second) != 2 || second[1].ID != "c" || second[1].Version != 1 || string(second[1].Body) != `{}` {
		w.Fatalf("a second instance lists %+v", second)
	}
}

func scanIndex(w *world) {
	for _, r := range []store.Record{owned("4", "b"), owned("1", "b"), owned("3", "a"), owned("2", "c"), owned("5", "ab"), owned("0", "b")} {
		w.put(w.s, r)
	}
	s := store.Scan{Kind: parcel, Index: byOwner, Limit: 10}
	w.wantScan(s, "3", "5", "0", "1", "4", "2")
	for _, r := range w.scan(s) {
		if r.Index[byOwner] == "" || s.Value(r) != r.Index[byOwner] {
			w.Fatalf("listed without its value: %+v", r)
		}
	}
	w.wantScan(store.Scan{Kind: parcel, Index: byDay, Limit: 10})
}

// scanBytes has ids and values that other orders than that of bytes put
// elsewhere.
func scanBytes(w *world) {
	texts := []string{" ", "!", `"`, "$", "'", ".", "0", "10", "9", "A", "B", "Z", "_", "a", "a b", "a.b", "aa", "ab", "b", "z", "ß", "é",
		"Ω", "α", "αa", "ά", "б", "日", "\uffee", "🎻"}
	slices.SortFunc(texts, strings.Compare)
	for i := range texts {
		at := (i*7 + 3) % len(texts) // in another order
		w.put(w.s, owned(texts[at], texts[len(texts)-1-at]))
	}
	w.wantScan(store.Scan{Kind: parcel, Limit: 7}, texts...)
	back := slices.Clone(texts)
	slices.Reverse(back)
	w.wantScan(store.Scan{Kind: parcel, Index: byOwner, Limit: 7}, back...)
}

func scanPages(w *world) {
	var want []string
	for i := range 12 {
		id := fmt.Sprintf("%02d", i)
		w.put(w.s, owned(id, fmt.Sprintf("owner %d", i/5)))
		want = append(want, id)
	}
	for _, limit := range []int{1, 2, 3, 4, 5, 6, 11, 12, 13} {
		w.wantScan(store.Scan{Kind: parcel, Limit: limit}, want...)
		w.wantScan(store.Scan{Kind: parcel, Index: byOwner, Limit: limit}, want...)
	}
	after := store.Scan{Kind: parcel, Index: byOwner, After: w.record(w.s, "06"), Limit: 3}
	w.must(dropRecord(w.Context(), w.s, parcelKey("06"))) // the place stays
	w.wantScan(after, want[7:]...)
}

func scanBounds(w *world) {
	for _, id := range []string{"a", "b", "ba", "c", "d"} {
		w.put(w.s, owned(id, id))
	}
	for _, index := range []string{"", byOwner} {
		for _, test := range []struct {
			from, to string
			want     []string
		}{
			{"", "", []string{"a", "b", "ba", "c", "d"}}, {"b", "", []string{"b", "ba", "c", "d"}}, {"", "c", []string{"a", "b", "ba"}},
			{"b", "c", []string{"b", "ba"}}, {"bb", "d", []string{"c"}}, {"b", "b", nil}, {"d", "a", nil}, {"e", "", nil}, {"", "a", nil},
		} {
			for _, limit := range []int{1, 2, 10} {
				w.wantScan(store.Scan{Kind: parcel, Index: index, From: test.from, To: test.to, Limit: limit}, test.want...)
			}
		}
	}
}

func scanValues(w *world) {
	owner, day := store.Scan{Kind: parcel, Index: byOwner, Limit: 2}, store.Scan{Kind: parcel, Index: byDay, Limit: 2}
	both := owned("a", "anna")
	both.Index[byDay] = "2031-05-04"
	w.put(w.s, both)
	w.put(w.s, parcelOf("b", `{}`))
	w.put(w.s, owned("c", "carl"))
	w.wantScan(owner, "a", "c")
	w.wantScan(day, "a")
	w.put(w.s, owned("b", "bert"))
	w.put(w.s, parcelOf("a", `{}`)) // which loses both
	w.put(w.s, owned("c", "aron"))
	w.wantScan(owner, "c", "b")
	w.wantScan(day)
	w.wantScan(store.Scan{Kind: parcel, Limit: 2}, "a", "b", "c")
	w.must(dropRecord(w.Context(), w.s, parcelKey("b")))
	w.wantScan(owner, "c")
	w.put(w.s, both)
	w.wantScan(owner, "a", "c")
	w.wantScan(day, "a")
}

// scanExpired has records between others end: pages are as full as without
// them, since a short one would be the last.
func scanExpired(w *world) {
	var over time.Time
	var want []string
	for i := range 12 {
		r := owned(fmt.Sprintf("%02d", i), "anna")
		if i%4 > 0 {
			over = w.expiring(r, 5*time.Millisecond)
			continue
		}
		w.expiring(r, time.Hour)
		want = append(want, r.ID)
	}
	w.pass(over)
	for _, index := range []string{"", byOwner} {
		for _, limit := range []int{1, 2, 10} {
			w.wantScan(store.Scan{Kind: parcel, Index: index, Limit: limit}, want...)
		}
	}
}

func scanLimit(w *world) {
	for _, limit := range []int{0, -1, store.MaxPage + 1} {
		_, err := w.s.Records(w.Context(), store.Scan{Kind: parcel, Limit: limit})
		w.wantErr(err, store.ErrInvalid)
	}
	var want []string
	for part := range 2 {
		var keys []store.Key
		for i := range store.MaxPage/2 + 5 {
			id := fmt.Sprintf("%d-%03d", part, i)
			keys, want = append(keys, parcelKey(id)), append(want, id)
		}
		w.decide(store.Question{Records: keys}, func(v store.View) store.Writes {
			for i := range v.Records {
				v.Records[i].Body = json.RawMessage(`{}`)
			}
			return store.Writes{Records: v.Records}
		})
	}
	w.wantScan(store.Scan{Kind: parcel, Limit: store.MaxPage}, want...)
}
