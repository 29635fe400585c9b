package plan_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// Databases name plans by their hashes, so these never change.
func TestPlanHashesNeverChange(t *testing.T) {
	hall, err := os.Open("../../cmd/seatlock/testdata/hall.json")
	if err != nil {
		t.Fatal(err)
	}
	defer hall.Close()
	file, err := plan.Read(hall)
	if err != nil {
		t.Fatal(err)
	}
	plans := map[string]plan.Plan{"80c9d4bcdb41f80a2011fc5a3d268eff": file.Plan}
	for name, hash := range map[string]string{
		"demo":    "6e6c809ff9de89eeb03951f6867604d9",
		"theatre": "8e9bc69c56e13086a422070441d32199",
		"arena":   "7df29ffcc0755b0f2dab564dccb52481",
	} {
		file, err := plan.Demo(name)
		if err != nil {
			t.Fatal(err)
		}
		plans[hash] = file.Plan
	}
	for hash, p := range plans {
		if got := store.PlanHash(p.Encode()); got != hash {
			t.Errorf("the plan %q has the hash %s, want %s for ever", p.Name, got, hash)
		}
	}
}

// Every byte of the encoding is frozen.
func TestEncodeLiterally(t *testing.T) {
	p := plan.Plan{
		Name:       `Ωδείο "A\B" <&> Ä`,
		Categories: []plan.Category{{ID: "c", Name: "C"}, {ID: "d", Name: "D"}},
		Stage:      &plan.Stage{Label: "Σκηνή", X: -1.5, Y: math.Copysign(0, -1), Width: 1e21, Height: 1e-7},
		Sections: []plan.Section{
			{ID: "s", Name: "S", Rows: []plan.Row{
				{Label: "A", Seats: []plan.Seat{
					{ID: "A1", Label: "1", Category: "c", X: 0.1, Y: -10000, Properties: []plan.Property{plan.Accessible, plan.Restricted}},
					{ID: "A2", Label: "2", Category: "d", X: 1e-6, Y: 1.25e-17, Properties: []plan.Property{}},
				}},
				{Label: "B", Seats: []plan.Seat{}}, {Label: "C"},
			}},
			{ID: "t", Name: "T"},
		},
	}
	want := `{"name":"Ωδείο \"A\\B\" \u003c\u0026\u003e Ä","categories":[{"id":"c","name":"C"},{"id":"d","name":"D"}],` +
		`"stage":{"label":"Σκηνή","x":-1.5,"y":-0,"width":1e+21,"height":1e-7},"sections":[` +
		`{"id":"s","name":"S","rows":[{"label":"A","seats":[` +
		`{"id":"A1","label":"1","category":"c","x":0.1,"y":-10000,"properties":["accessible","restricted"]},` +
		`{"id":"A2","label":"2","category":"d","x":0.000001,"y":1.25e-17}]},` +
		`{"label":"B","seats":[]},{"label":"C","seats":null}]},{"id":"t","name":"T","rows":null}]}`
	if got := string(p.Encode()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := string(plan.Plan{}.Encode()), `{"name":"","categories":null,"sections":null}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The encoding equals that of json.Marshal, which older versions used, and
// decodes to the same plan.
func TestEncodeAsJSONDid(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := randomPlan{rand.New(rand.NewPCG(seed, 0))}
	for range 2000 {
		p := r.plan()
		want, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		got := p.Encode()
		if !bytes.Equal(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
		back, err := plan.Decode(got)
		broken := bytes.Contains(got, []byte(`\ufffd`)) // comes back as the sign for it
		if err != nil || !broken && !bytes.Equal(back.Encode(), got) {
			t.Fatalf("%s comes back as %+v, %v", got, back, err)
		}
	}
}

// randomPlan makes a plan of any values that the types can hold.
type randomPlan struct{ *rand.Rand }

func (r randomPlan) plan() plan.Plan {
	p := plan.Plan{Name: r.text()}
	p.Categories = some(r, func() plan.Category { return plan.Category{ID: r.text(), Name: r.text()} })
	if r.IntN(2) == 0 {
		p.Stage = &plan.Stage{Label: r.text(), X: r.number(), Y: r.number(), Width: r.number(), Height: r.number()}
	}
	p.Sections = some(r, func() plan.Section {
		return plan.Section{ID: r.text(), Name: r.text(), Rows: some(r, func() plan.Row {
			return plan.Row{Label: r.text(), Seats: some(r, func() plan.Seat {
				return plan.Seat{ID: r.text(), Label: r.text(), Category: r.text(), X: r.number(), Y: r.number(),
					Properties: some(r, func() plan.Property { return plan.Property(r.text()) })}
			})}
		})}
	})
	return p
}

// some returns a few elements, none, or nil.
func some[T any](r randomPlan, one func() T) []T {
	n := r.IntN(5) - 1
	if n < 0 {
		return nil
	}
	all := make([]T, n)
	for i := range all {
		all[i] = one()
	}
	return all
}

func (r randomPlan) text() string {
	letters := []string{"a", "Z", "9", " ", "Ω", "ή", "Ä", "木", "🎭", "e\u0301", `"`, `\`, "/", "<", ">", "&", "'", "\u2028", "\u2029",
		"\b", "\f", "\n", "\r", "\t", "\x00", "\x1f", "\x7f", "\u0085", "\ufeff", "\ufffd", "\xff", "\xe2\x80", "\xed\xa0\x80"}
	var b strings.Builder
	for range r.IntN(6) {
		b.WriteString(letters[r.IntN(len(letters))])
	}
	return b.String()
}

func (r randomPlan) number() float64 {
	switch r.IntN(5) {
	case 0:
		return float64(r.IntN(2001) - 1000)
	case 1:
		return math.Round(r.NormFloat64()*1000*1000) / 1000
	case 2: // around where the form changes
		edges := []float64{0, math.Copysign(0, -1), 1e-6, math.Nextafter(1e-6, 0), -1e-6, 1e21, math.Nextafter(1e21, 0), -1e21,
			1e-9, 1e-10, 1e-99, 1e-100, 1e22, 1e99, 1e100, math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1, 1e20}
		return edges[r.IntN(len(edges))]
	case 3:
		return r.NormFloat64()
	}
	for {
		if v := math.Float64frombits(r.Uint64()); !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v
		}
	}
}

// A field that is added to a plan is not encoded by itself: this test fails until
// it is.
func TestEncodeHasAllFields(t *testing.T) {
	for _, test := range []struct {
		of     any
		fields int
	}{{plan.Plan{}, 4}, {plan.Category{}, 2}, {plan.Stage{}, 5}, {plan.Section{}, 3}, {plan.Row{}, 2}, {plan.Seat{}, 6}} {
		if of := reflect.TypeOf(test.of); of.NumField() != test.fields {
			t.Errorf("%v has %d fields, and the encoding knows %d", of, of.NumField(), test.fields)
		}
	}
}

func TestEncodeRefusesNonNumbers(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v was encoded", v)
				}
			}()
			plan.Plan{Stage: &plan.Stage{X: v}}.Encode()
		}()
	}
}

// A newer program may have written fields that this one does not know.
func TestDecodeIgnoresUnknownFields(t *testing.T) {
	known := `{"name":"H","categories":[{"id":"c","name":"C"}],"stage":{"label":"S","x":0,"y":0,"width":4,"height":1},` +
		`"sections":[{"id":"s","name":"S","rows":[{"label":"A","seats":[{"id":"A1","label":"1","category":"c","x":0,"y":2}]}]}]}`
	newer := strings.NewReplacer(
		`{"name":"H"`, `{"encoding":2,"name":"H"`, `"name":"C"`, `"name":"C","colour":"red"`, `"height":1`, `"height":1,"depth":[3]`,
		`"rows":[`, `"floor":{"n":1},"rows":[`, `"seats":[`, `"bend":1.5,"seats":[`, `"y":2`, `"y":2,"view":null`).Replace(known)
	want, err := plan.Decode([]byte(known))
	if err != nil {
		t.Fatal(err)
	}
	got, err := plan.Decode([]byte(newer))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s is read as\n%+v (%v), want\n%+v", newer, got, err, want)
	}
	if strings.Count(newer, `":`) != strings.Count(known, `":`)+7 {
		t.Errorf("not everything is in %s", newer)
	}
}
