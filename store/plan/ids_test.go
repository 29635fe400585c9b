package plan_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// asciiLines are places, each with the id that it has had since commit 48c37df.
const asciiLines = `Stalls,A,1,stalls-A-1
Stalls,A,2,stalls-A-2
Stalls,AA,10,stalls-AA-10
Circle; left,1,1,circle-left-1-1
Box 1.2,B-2,3a,box-1.2-B-2-3a
BOX_x,.b.,*7,box_x-.b.-7
*,a,1,a-1
--,a b  c,(1),a-b-c-1
A section with a name that is much longer than what an id can have in all,R,1,a-section-with-a-name-that-is-much-longer-than-what-an-i`

// oneSection is the same for a file with one section.
const oneSection = `Hall,A,1,A-1
Hall,A,2,A-2
Hall,A b,3/4,A-b-3-4
Hall,.x,_1,x-_1
Hall,*,9,9`

// foreign are places with names that no id can have unchanged, or that look
// alike.
const foreign = `Партер,1,1
Балкон,1,1
Партер,А,1
Партер,A,1
Rang süd,1,1
Rang sud,1,1
Rang s` + "u\u0308" + `d,1,1
Rang sued,1,1
Θεωρείο,Α,1
桟敷,一,1
二階,一,1
🎭,1,1
A-1,1,1
A,1-1,1
A,1,1-1
a,1,1-1
,1,1
*,1,1
--,1,1`

const header = "section,row,seat\n"

func draft(t *testing.T, text string) plan.Draft {
	t.Helper()
	d, err := plan.ReadDraft(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// byPlace returns the ids of a plan's seats, by their places.
func byPlace(p plan.Plan) map[string]string {
	ids := map[string]string{}
	for _, s := range p.Sections {
		for _, r := range s.Rows {
			for _, seat := range r.Seats {
				ids[s.Name+","+r.Label+","+seat.Label] = s.ID + " " + seat.ID
			}
		}
	}
	return ids
}

func shuffled(lines []string) string {
	lines = slices.Clone(lines)
	rand.Shuffle(len(lines), func(i, k int) { lines[i], lines[k] = lines[k], lines[i] })
	return header + strings.Join(lines, "\n") + "\n"
}

func TestASCIIPlacesKeepTheirIDs(t *testing.T) {
	for _, list := range []string{asciiLines, oneSection} {
		var lines []string
		want := map[string]string{}
		for _, line := range strings.Split(list, "\n") {
			i := strings.LastIndex(line, ",")
			lines = append(lines, line[:i])
			want[line[:i]] = line[i+1:]
		}
		for range 20 {
			got := byPlace(read(t, shuffled(lines)).Plan)
			for place, id := range want {
				if _, seat, _ := strings.Cut(got[place], " "); seat != id {
					t.Errorf("%s is %q, want %q", place, seat, id)
				}
			}
		}
	}
}

// TestIDsDistinguishPlaces: ids do not depend on the order of the file, nor on
// its other places, except where ASCII places look alike.
func TestIDsDistinguishPlaces(t *testing.T) {
	lines := strings.Split(foreign, "\n")
	want := byPlace(read(t, header+foreign+"\n").Plan)
	if len(want) != len(lines) {
		t.Fatalf("%d places, want %d", len(want), len(lines))
	}
	seats := map[string]string{}
	for place, ids := range want {
		_, id, _ := strings.Cut(ids, " ")
		if other, twice := seats[id]; twice || !store.ValidID(id) {
			t.Errorf("%s is %q, as is %q; or it is no id", place, id, other)
		}
		seats[id] = place
	}
	for range 100 {
		if got := byPlace(read(t, shuffled(lines)).Plan); !maps.Equal(got, want) {
			t.Fatalf("in another order: got\n%v\nwant\n%v", got, want)
		}
	}
	some := byPlace(read(t, header+"Балкон,1,1\n二階,一,1\nX,1,1\n").Plan)
	for _, place := range []string{"Балкон,1,1", "二階,一,1"} {
		if some[place] != want[place] {
			t.Errorf("%s is %s, and %s among others", place, some[place], want[place])
		}
	}
	for place, like := range map[string]string{
		"Балкон,1,1": "balkon- balkon-1-1-", "Θεωρείο,Α,1": "theoreio- theoreio-A-1-", "Rang süd,1,1": "rang-sued- rang-sued-1-1-", "🎭,1,1": "x- 1-1-",
	} {
		section, seat, _ := strings.Cut(like, " ")
		if got := strings.Fields(want[place]); !strings.HasPrefix(got[0], section) || !strings.HasPrefix(got[1], seat) {
			t.Errorf("%s is %q, want what people can read: %s", place, got, like)
		}
	}
}

// oldPlan reads a plan that commit 48c37df made, and the file from which it did.
func oldPlan(t *testing.T, name string) (present plan.Plan, body []byte, csv string) {
	t.Helper()
	body, err := os.ReadFile("testdata/" + name + ".plan")
	if err != nil {
		t.Fatal(err)
	}
	if present, err = plan.Decode(body); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/" + name + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	return present, body, string(text)
}

func onto(t *testing.T, text string, present plan.Plan) plan.Growth {
	t.Helper()
	g, err := draft(t, text).Onto(present)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestRepeatOnto: importing the same file again gives the same plan, byte by
// byte.
func TestRepeatOnto(t *testing.T) {
	for _, name := range []string{"latin", "cyrillic", "one"} {
		present, body, csv := oldPlan(t, name)
		g := onto(t, csv, present)
		if err := g.Check(); err != nil || g.New() != 0 || len(g.Relabelled) != 0 || string(g.Plan.Encode()) != string(body) {
			t.Errorf("%s: %v, %d new, relabelled %v:\n%s\nwant\n%s", name, err, g.New(), g.Relabelled, g.Plan.Encode(), body)
		}
		if len(g.Prices) != len(present.Categories) || g.Prices[present.Categories[0].ID] == 0 {
			t.Errorf("%s: the prices are %v", name, g.Prices)
		}
	}
}

// TestGrowOnto: seats that exist keep their ids, and new ones get the same ids,
// whatever the order of the file.
func TestGrowOnto(t *testing.T) {
	for name, more := range map[string][]string{
		"latin":    {"Stalls,A,3,Front rows,4500,2,0", "Galerie é,A,1,Rear,2000,0,12", "Stalls A,1,1,Rear,2000,9,9"},
		"cyrillic": {"Балкон,1,2,Балкон,2000", "Партер,Б,1,Партер,5000", "Ложа,1,1,Ложа,9000"},
		"one":      {"Stalls,A,3,Standard,5000,2,0", "Balcony,A,1,Standard,5000,0,5", "Балкон,A,1,Standard,5000,0,9"},
	} {
		present, _, csv := oldPlan(t, name)
		before := byPlace(present)
		lines := append(strings.Split(strings.TrimSpace(csv), "\n"), more...)
		first := map[string]string(nil)
		for range 50 {
			text := shuffled(lines[1:])
			text = lines[0] + strings.TrimPrefix(text, strings.TrimSpace(header))
			g := onto(t, text, present)
			after := byPlace(g.Plan)
			if first == nil {
				first = after
			}
			if err := g.Check(); err != nil || g.Kept != len(before) || g.New() != 3 || len(g.Relabelled) != 0 || !maps.Equal(after, first) {
				t.Fatalf("%s: %v, %d kept, relabelled %v:\n%v\nand before\n%v", name, err, g.Kept, g.Relabelled, after, first)
			}
			for place, ids := range before {
				if after[place] != ids {
					t.Fatalf("%s: %s went from %s to %s", name, place, ids, after[place])
				}
			}
			if again := onto(t, text, g.Plan); again.New() != 0 || string(again.Plan.Encode()) != string(g.Plan.Encode()) {
				t.Fatalf("%s: the same again made\n%s\nof\n%s", name, again.Plan.Encode(), g.Plan.Encode())
			}
		}
		if name == "one" && (first["Stalls,A,3"] != "stalls A-3" || first["Balcony,A,1"] != "balcony balcony-A-1") {
			t.Errorf("new ones are %v", first)
		}
	}
}

func TestOntoRefuses(t *testing.T) {
	const three = "section,row,seat,id\nS,A,1,a\nS,A,2,b\nS,A,3,c\n"
	present := read(t, three).Plan
	for text, want := range map[string]string{
		strings.NewReplacer("1,a", "2,a", "2,b", "1,b").Replace(three):               `seat "a" becomes S, row A, seat 2, which is seat "b"`,
		strings.NewReplacer("1,a", "2,a", "2,b", "3,b", "3,c", "1,c").Replace(three): `which is seat`,
		strings.NewReplacer("1,a", "2,a", "2,b", "3,b", "3,c", "4,c").Replace(three): `which is seat`,
		strings.NewReplacer("1,a", "9,a").Replace(three) + "S,A,1,\n":                `which is seat "a"`,
		strings.NewReplacer("S,A,2,b\n", "").Replace(three):                          `seat "b" of the event is not in the plan`,
		"section,row,seat\nS,A,1\nS,A,2\nS,A,4\n":                                    `seat "c" of the event is not in the plan (S, row A, seat 3): without ids`,
		"section,row,seat\nT,A,1\nT,A,2\nT,A,3\n":                                    `seat "a" of the event is not in the plan (S, row A, seat 1)`,
	} {
		if err := onto(t, text, present).Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	g := onto(t, strings.Replace(three, "3,c", "4,c", 1), present)
	if err := g.Check(); err != nil || fmt.Sprint(g.Relabelled) != "[c: S, row A, seat 3 -> S, row A, seat 4]" {
		t.Errorf("%v, relabelled %v", err, g.Relabelled)
	}
	_, err := draft(t, `{"categories":[{"id":"c","name":"C"}],"sections":[{"id":"t","name":"S","rows":[{"label":"A","seats":[{"id":"a","label":"1","category":"c"}]}]}]}`).Onto(present)
	if err == nil || !strings.Contains(err.Error(), `section "S" has the id "s", and keeps it: the file says "t"`) {
		t.Errorf("another id of a section: %v", err)
	}
	g = onto(t, strings.ReplaceAll(three, "S,", "T,"), present)
	if id := g.Plan.Sections[0].ID; id != "s" || len(g.Relabelled) != 3 {
		t.Errorf("a section with another name has the id %q, relabelled %v", id, g.Relabelled)
	}
}

// TestOntoSharesNoPlace: no new or relabelled seat gets a place that another seat
// has, even if that one leaves it.
func TestOntoSharesNoPlace(t *testing.T) {
	const two = "section,row,seat,id\nS,A,ä,a\nS,A,2,b\n"
	present := read(t, two).Plan
	for text, want := range map[string]string{
		strings.Replace(two, "2,b", "ä,b", 1):               `seat "b" becomes S, row A, seat ä, which is seat "a" of the event`,
		strings.Replace(two, "2,b", "a\u0308,b", 1):         `which is seat "a" of the event`,
		two + "S,A,ä,n\n":                                   `seat "n" becomes S, row A, seat ä, which is seat "a" of the event`,
		two + "S,A,9,n\nS,A,9,m\n":                          `seats "n" and "m" are both S, row A, seat 9`,
		strings.Replace(two, "2,b", "9,b", 1) + "S,A,9,n\n": `seats "b" and "n" are both S, row A, seat 9`,
	} {
		if err := onto(t, text, present).Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestOntoSharedPlaces: an event whose seats share a place, which older imports
// allowed, can be imported again and grow, and one of the two may leave the
// place. A new event cannot have such seats.
func TestOntoSharedPlaces(t *testing.T) {
	const two = "section,row,seat,id\nS,A,1,a\nS,A,1,b\n"
	d := draft(t, two)
	if len(d.Odd) != 1 || !strings.Contains(d.Odd[0].Err.Error(), `seats "a" and "b" are both S, row A, seat 1`) {
		t.Errorf("as a new event: %v", d.Odd)
	}
	isItself(t, d)
	for text, relabelled := range map[string]int{two: 0, two + "S,A,2,c\n": 0, strings.Replace(two, "1,a", "2,a", 1): 1} {
		g := onto(t, text, d.Plan)
		if err := g.Check(); err != nil || len(g.Relabelled) != relabelled || len(g.Odd) != 0 {
			t.Errorf("%s: %v, relabelled %v, odd %v", text, err, g.Relabelled, g.Odd)
		}
	}
	if err := onto(t, two+"S,A,1,c\n", d.Plan).Check(); err == nil || !strings.Contains(err.Error(), `seat "c" becomes S, row A, seat 1`) {
		t.Errorf("a third: %v", err)
	}
	if odd := draft(t, pretixFile).Odd; len(odd) != 0 {
		t.Errorf("sections that share a name: %v", odd)
	}
}

// TestOntoNamesakes: sections and categories that share a name are matched by
// their seats, and exported CSV says which is which.
func TestOntoNamesakes(t *testing.T) {
	present := read(t, pretixFile).Plan
	if g := onto(t, pretixFile, present); string(g.Plan.Encode()) != string(present.Encode()) {
		t.Errorf("the same again is\n%s\nwant\n%s", g.Plan.Encode(), present.Encode())
	}
	var out strings.Builder
	if err := (plan.File{Plan: present}).WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	g := onto(t, out.String(), present)
	g.Plan.Stage, g.Plan.Name = present.Stage, present.Name // which CSV does not have
	if string(g.Plan.Encode()) != string(present.Encode()) || len(g.Relabelled) != 0 {
		t.Errorf("by way of CSV it is\n%s\nwant\n%s", g.Plan.Encode(), present.Encode())
	}
}

// TestOntoOtherSpelling: another spelling that looks the same is the same place.
func TestOntoOtherSpelling(t *testing.T) {
	present := read(t, "section,row,seat\nRang süd,ä,ö\n").Plan
	g := onto(t, "section,row,seat\nRang su\u0308d,a\u0308,o\u0308\n", present)
	if string(g.Plan.Encode()) != string(present.Encode()) {
		t.Errorf("got\n%s\nwant\n%s", g.Plan.Encode(), present.Encode())
	}
}

// TestOntoArray: seats are matched by their numbers, even if they are in another
// row of twenty by then.
func TestOntoArray(t *testing.T) {
	var numbers []string
	for i := range 25 {
		numbers = append(numbers, fmt.Sprintf(`{"seatNumber":"%d","status":"available"}`, i))
	}
	present := read(t, "["+strings.Join(numbers, ",")+"]").Plan
	first := `{"seatNumber":"new","status":"available"}`
	g := onto(t, "["+first+","+strings.Join(numbers, ",")+"]", present)
	if g.Kept != 25 || g.New() != 1 || len(g.Relabelled) != 1 || g.Relabelled[0].ID != "19" {
		t.Errorf("%d kept, %d new, relabelled %v", g.Kept, g.New(), g.Relabelled)
	}
}

// TestOntoGivesNoIDAgain: an id belongs to its seat for ever, whatever the seat
// is called now.
func TestOntoGivesNoIDAgain(t *testing.T) {
	const two = "section,row,seat,id\nHall,B,%s,%s\nПартер,Р,%s,%s\n"
	fresh := read(t, fmt.Sprintf(two, "1", "", "1", "")).Plan.SeatIDs()
	text := fmt.Sprintf(two, "7", fresh[0], "7", fresh[1])
	present := read(t, text).Plan
	g := onto(t, text+"Hall,B,1,\nПартер,Р,1,\n", present)
	ids := g.Plan.SeatIDs()
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 4 || g.Kept != 2 || len(g.Relabelled) != 0 {
		t.Errorf("%q, %d kept, relabelled %v", ids, g.Kept, g.Relabelled)
	}
}

// isItself checks that a file is unchanged as the next plan of its own event.
func isItself(t *testing.T, d plan.Draft) {
	t.Helper()
	g, err := d.Onto(d.Plan)
	if err == nil {
		err = g.Check()
	}
	if err != nil || g.New() != 0 || len(g.Relabelled) != 0 || string(g.Plan.Encode()) != string(d.Plan.Encode()) {
		t.Errorf("%v, %d new, relabelled %v:\n%s\nwant\n%s", err, g.New(), g.Relabelled, g.Plan.Encode(), d.Plan.Encode())
	}
}
