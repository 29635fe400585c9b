package ticket

import (
	"bytes"
	"errors"
	"image"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// TestPDFCodes draws the pages again from the operators in the file, and decodes the
// code of each ticket from its part.
func TestPDFCodes(t *testing.T) {
	for _, s := range []Sheet{sheet(1), sheet(4), long()} {
		d := readPDF(t, write(t, s))
		if want := (len(s.Tickets) + perPage - 1) / perPage; len(d.pages) != want {
			t.Errorf("%d tickets are on %d pages, want %d", len(s.Tickets), len(d.pages), want)
		}
		for i, stub := range s.Tickets {
			picture := d.pages[i/perPage].picture(150)
			part := picture.Bounds().Dy() / perPage
			y := i % perPage * part
			if got := decode(t, picture.SubImage(image.Rect(0, y, picture.Bounds().Dx(), y+part))); got != stub.Token {
				t.Errorf("ticket %d of %d: decoded %q, want %q", i+1, len(s.Tickets), got, stub.Token)
			}
		}
	}
}

// TestPDFTexts finds every text on the page of its ticket, as a search in it does.
func TestPDFTexts(t *testing.T) {
	s := sheet(4)
	s.Event = strings.Repeat("Der Wind in den Weiden, ", 7) + "(Teil 1\\2)"
	d := readPDF(t, write(t, s))
	for i, stub := range s.Tickets {
		said := d.pages[i/perPage].said()
		for _, want := range []string{
			s.Event, s.Starts, s.Moved, s.Venue, "Section Stalls", "Row C", "Seat " + stub.Seat.Value, "Tariff Reduced", "Price €28.50",
			"Booking 7KQ2MXW4RT", "Name Ελένη Wójcik", "Ticket no. " + stub.Issue.Value,
		} {
			if !strings.Contains(said, want) {
				t.Errorf("ticket %d has no %q on its page: %s", i+1, want, said)
			}
		}
	}
}

// TestPDFLeavesOut wants no label without a value, and no line to cut below the
// last part of a page.
func TestPDFLeavesOut(t *testing.T) {
	s := sheet(4)
	s.Moved, s.Venue = "", ""
	for i := range s.Tickets {
		s.Tickets[i].Name.Value, s.Tickets[i].Tariff.Value = "", "\u200e"
	}
	d := readPDF(t, write(t, s))
	for _, p := range d.pages {
		for _, label := range []string{"Name", "Tariff", "Moved"} {
			if strings.Contains(p.said(), label) {
				t.Errorf("%q is printed: %s", label, p.said())
			}
		}
	}
	if first, second := len(d.pages[0].strokes), len(d.pages[1].strokes); first != 2 || second != 1 {
		t.Errorf("%d and %d lines to cut along, want 2 and 1", first, second)
	}
}

// box is a rectangle in points.
type box struct {
	what                     string
	left, bottom, right, top float64
}

func (a box) meets(b box) bool {
	return a.left < b.right && b.left < a.right && a.bottom < b.top && b.bottom < a.top
}

// boxes are those of all texts and codes of a page: of a text from its deepest to its
// highest letter, of a code with its quiet zone.
func (p *page) boxes(d *document) (all []box) {
	for _, x := range p.texts {
		f := regular
		if bytes.Contains(d.objects[x.font], []byte("/BaseFont /utf8dejavuB")) {
			f = bold
		}
		width := 0.0
		for _, r := range x.say {
			width += f.width(r) * x.size
		}
		all = append(all, box{x.say, x.x, x.y - 0.22*x.size, x.x + width, x.y + 0.8*x.size})
	}
	for part := range perPage {
		code := box{"code", 1000, 1000, 0, 0}
		for _, sub := range p.paths {
			for _, c := range sub {
				if int((841.89-c[1])/(841.89/perPage)) == part {
					code.left, code.right = min(code.left, c[0]), max(code.right, c[0])
					code.bottom, code.top = min(code.bottom, c[1]), max(code.top, c[1])
				}
			}
		}
		if code.right > 0 {
			free := 4 * (code.right - code.left) / 37 // a code has at least that many modules
			all = append(all, box{code.what, code.left - free, code.bottom - free, code.right + free, code.top + free})
		}
	}
	return all
}

// TestPDFLayout wants that no text leaves its part of the page, or runs into
// another or into the quiet zone of a code, however long the texts are. A code is at
// least 35 mm wide.
func TestPDFLayout(t *testing.T) {
	const mm = 1 / point
	words := long()
	words.Event = strings.Repeat("jump ", 40)
	words.Tickets[0].Section.Value = strings.Repeat("Åg ", 66)
	words.Tickets[1].Seat.Value, words.Tickets[1].Price.Value = "1", "€1"
	empty := Sheet{Lang: "en", Tickets: []Stub{{Token: keys(1).Sign(someTicket)}}}
	for _, s := range []Sheet{sheet(3), long(), words, empty} {
		d := readPDF(t, write(t, s))
		for _, p := range d.pages {
			all := p.boxes(d)
			for i, a := range all {
				if a.what == "code" {
					if width := (a.right - a.left) * 37 / (37 + 8); width < 35*mm {
						t.Errorf("a code is %.1f mm wide, want at least 35", width/mm)
					}
				}
				part := int((841.89 - a.top) / (partHeight * mm))
				low := 841.89 - float64(part+1)*partHeight*mm
				if a.left < 4*mm || a.right > 206*mm || a.bottom < low+3*mm || a.top > low+(partHeight-3)*mm {
					t.Errorf("%.20q leaves its part of the page: %.1f %.1f %.1f %.1f", a.what, a.left, a.bottom, a.right, a.top)
				}
				for _, b := range all[i+1:] {
					if a.meets(b) {
						t.Errorf("%.30q runs into %.30q: %+v %+v", a.what, b.what, a, b)
					}
				}
			}
		}
	}
}

// TestPDFGlyphs compares the outline of every character in the file with that in the
// font: no empty box, and none that is another's.
func TestPDFGlyphs(t *testing.T) {
	s := sheet(1)
	s.Event = "ÄÖÜäöüß €£₹₪₩ Łódź Dvořák (Čačak\\Ċ) Şişli Nguyễn Thị Ánh"
	s.Venue = "Ελλάδα ΆΈΉΊ Київ Ђорђе Щукин Հայաստան საქართველო"
	d := readPDF(t, write(t, s))
	seen := map[rune]bool{}
	for _, line := range d.pages[0].texts {
		f := regular
		if bytes.Contains(d.objects[line.font], []byte("/BaseFont /utf8dejavuB")) {
			f = bold
		}
		whole, err := sfnt.Parse(f.data)
		if err != nil {
			t.Fatal(err)
		}
		file, glyphOf := d.embedded(t, line.font)
		for _, r := range line.say {
			var b sfnt.Buffer
			original, err := whole.GlyphIndex(&b, r)
			if err != nil || original == 0 {
				t.Fatalf("%q is not in the font", r)
			}
			want, got := outline(t, whole, original), outline(t, file, glyphOf(r))
			if !slices.Equal(want, got) || r != ' ' && r != '\u00a0' && len(got) == 0 {
				t.Errorf("%q is drawn with %d segments that are not its %d", r, len(got), len(want))
			}
			seen[r] = true
		}
	}
	if len(seen) < 80 {
		t.Errorf("only %d characters were looked at", len(seen))
	}
}

func outline(t *testing.T, f *sfnt.Font, glyph sfnt.GlyphIndex) []sfnt.Segment {
	t.Helper()
	var b sfnt.Buffer
	segments, err := f.LoadGlyph(&b, glyph, fixed.I(1000), nil)
	if err != nil {
		t.Fatalf("glyph %d: %v", glyph, err)
	}
	return slices.Clone(segments)
}

func TestPrintable(t *testing.T) {
	const note = "See the page."
	for text, want := range map[string]string{
		"Anna Müller":                 "Anna Müller",
		"Ελένη":                       "Ελένη",
		"Ольга":                       "Ольга",
		"Nguye\u0302\u0303n":          "Nguyễn", // put together
		"A\u200eB\u202eC\u202c\u2066": "ABC",    // marks of direction
		"two\nlines\tand  blanks":     "two lines and blanks",
		"28\u00a0€":                   "28\u00a0€",
		"★ Gold":                      "★ Gold",
		"عمر":                         note, // joins
		"עומר":                        note, // from the right
		"王小明":                         note,
		"Anna 王":                      note,
		"ไทย":                         note,
		"а\u0488":                     "а – " + note, // what frames a letter
		"\uE000":                      note,          // private
		"𝔄nna":                        note,          // beyond what the library writes
		"x\u0323\u0302\u0304":         note,          // marks that no letter has with it
		"Rock 🎸 Night":                "Rock Night – " + note,
		"👩🏽‍🎤 Star":                   "Star – " + note,
		"🎸":                           note,
		"\u200e":                      "",
		strings.Repeat("x", 201):      strings.Repeat("x", 200) + "…",
	} {
		if got, err := printable(text, note); err != nil || got != want {
			t.Errorf("%+q is printed as %q, %v, want %q", text, got, err, want)
		}
	}
	for _, bad := range []string{"王", "🎸"} {
		if got, err := printable("عمر", bad); !errors.Is(err, errUnprintable) {
			t.Errorf("with the note %q it is printed as %q, %v", bad, got, err)
		}
	}
}

// TestPDFSaysWhatIsMissing prints the note in the place of an Arabic and a Chinese
// name, and nothing of the names.
func TestPDFSaysWhatIsMissing(t *testing.T) {
	for _, name := range []string{"محمد", "王小明"} {
		s := sheet(1)
		s.Tickets[0].Name.Value = name
		said := readPDF(t, write(t, s)).pages[0].said()
		if !strings.Contains(said, "Name "+s.Unprintable) || strings.ContainsAny(said, name) {
			t.Errorf("%s is printed as %s", name, said)
		}
	}
}

// TestPDFIsTheSame wants the same bytes for the same sheet, also from many at once.
func TestPDFIsTheSame(t *testing.T) {
	want := write(t, sheet(4))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var b bytes.Buffer
			if err := PDF(&b, sheet(4)); err != nil || !bytes.Equal(b.Bytes(), want) {
				t.Errorf("another PDF of %d bytes, want %d: %v", b.Len(), len(want), err)
			}
		})
	}
	wg.Wait()
	other := sheet(4)
	other.Tickets[3].Seat.Value = "5"
	if bytes.Equal(write(t, other), want) {
		t.Error("another seat gives the same bytes")
	}
}

func TestPDFMetadata(t *testing.T) {
	s := sheet(1)
	s.Lang, s.Title = "de-AT", "Kč🎸\xff"
	raw := write(t, s)
	for _, want := range []string{"/Lang (de-AT)", "/Title (\xfe\xff\x00K\x01\\r\xd8\x3c\xdf\xb8\xff\xfd)", "/Producer (Seatlock)", "/CreationDate (D:20000101000000)", "/ModDate (D:20000101000000)"} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("the file has no %q", want)
		}
	}
	for _, no := range []string{"/Author", "/Subject", "/Keywords", "/Creator", "/JavaScript", "/Metadata"} {
		if bytes.Contains(raw, []byte(no+" ")) {
			t.Errorf("the file has %s", no)
		}
	}
}

func TestPDFFails(t *testing.T) {
	for what, spoil := range map[string]func(*Sheet){
		"no tickets":            func(s *Sheet) { s.Tickets = nil },
		"a token of 10 KB":      func(s *Sheet) { s.Tickets[1].Token = strings.Repeat("A", 10<<10) },
		"no language":           func(s *Sheet) { s.Lang = "en) /OpenAction (x" },
		"an unprintable label":  func(s *Sheet) { s.Tickets[0].Row.Label = "排" },
		"an unprintable note":   func(s *Sheet) { s.Venue, s.Unprintable = "王", "见网页" },
		"no note but one to be": func(s *Sheet) { s.Venue, s.Unprintable = "王", "" },
	} {
		s := sheet(2)
		spoil(&s)
		var b bytes.Buffer
		if err := PDF(&b, s); err == nil || b.Len() > 0 {
			t.Errorf("%s: %v, and %d bytes were written", what, err, b.Len())
		}
	}
	s := sheet(1)
	s.Tickets[0].Name.Value, s.Unprintable = "王小明", ""
	if err := PDF(io.Discard, s); err == nil || strings.ContainsAny(err.Error(), "王小明") || strings.Contains(err.Error(), `\u`) {
		t.Errorf("a name that cannot be printed is in the error: %v", err)
	}
	if err := PDF(full{}, sheet(1)); !errors.Is(err, errFull) {
		t.Errorf("to a full disk: %v", err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
