package ticket

import (
	"bytes"
	"compress/zlib"
	"image"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/vector"
)

// document is a PDF as a viewer understands it, as far as sheets need it: the
// drawing operators of its pages are carried out.
type document struct {
	raw     []byte
	objects map[int][]byte
	pages   []*page
}

// page is what is drawn on one: texts, filled paths and lines, in points from the
// lower left corner.
type page struct {
	texts   []text
	paths   [][][2]float64 // sub-paths of all fills, closed
	strokes [][][2]float64
}

// text is one line of text with its base line's start.
type text struct {
	x, y, size float64
	font       int // number of its object
	say        string
}

var (
	objectHead  = regexp.MustCompile(`(?m)^(\d+) 0 obj\n`)
	contentsOf  = regexp.MustCompile(`/Contents (\d+) 0 R`)
	fontNames   = regexp.MustCompile(`/(F[0-9a-f]{40}) (\d+) 0 R`)
	lengthOf    = regexp.MustCompile(`/Length (\d+)`)
	mediaBox    = regexp.MustCompile(`/MediaBox \[0 0 595\.28 841\.89\]`)
	descendant  = regexp.MustCompile(`/DescendantFonts \[(\d+) 0 R\]`)
	descriptor  = regexp.MustCompile(`/FontDescriptor (\d+) 0 R`)
	fontFile    = regexp.MustCompile(`/FontFile2 (\d+) 0 R`)
	glyphsOf    = regexp.MustCompile(`/CIDToGIDMap (\d+) 0 R`)
	unicodeOf   = regexp.MustCompile(`/ToUnicode (\d+) 0 R`)
	sameUnicode = []byte("<0000> <FFFF> <0000>") // each code is the character itself
)

func readPDF(t testing.TB, raw []byte) *document {
	t.Helper()
	if !mediaBox.Match(raw) {
		t.Fatal("the pages are not A4")
	}
	d := &document{raw: raw, objects: map[int][]byte{}}
	for at := 0; ; {
		head := objectHead.FindSubmatchIndex(raw[at:])
		if head == nil {
			break
		}
		number, _ := strconv.Atoi(string(raw[at+head[2] : at+head[3]]))
		start := at + head[1]
		end := start + bytes.Index(raw[start:], []byte("\nendobj"))
		if stream := bytes.Index(raw[start:end], []byte("stream\n")); stream >= 0 {
			end = start + stream + len("stream\n") + number1(t, lengthOf, raw[start:start+stream])
		}
		d.objects[number] = raw[start:end]
		at = end
	}
	fonts := map[string]int{}
	for _, m := range fontNames.FindAllSubmatch(raw, -1) {
		fonts[string(m[1])], _ = strconv.Atoi(string(m[2]))
	}
	for _, m := range contentsOf.FindAllSubmatch(raw, -1) {
		number, _ := strconv.Atoi(string(m[1]))
		p := &page{}
		p.draw(t, d.stream(t, number), fonts)
		d.pages = append(d.pages, p)
	}
	return d
}

func number1(t testing.TB, pattern *regexp.Regexp, in []byte) int {
	t.Helper()
	m := pattern.FindSubmatch(in)
	if m == nil {
		t.Fatalf("no %v in %.300q", pattern, in)
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// stream is the decoded stream of an object.
func (d *document) stream(t testing.TB, object int) []byte {
	t.Helper()
	head, body, ok := bytes.Cut(d.objects[object], []byte("stream\n"))
	if !ok {
		t.Fatalf("object %d has no stream", object)
	}
	if !bytes.Contains(head, []byte("/FlateDecode")) {
		return body
	}
	r, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("stream %d: %v", object, err)
	}
	return decoded
}

// draw carries out the operators of a page. One that it does not know fails the
// test.
func (p *page) draw(t testing.TB, content []byte, fonts map[string]int) {
	t.Helper()
	var stack []string
	var now text
	var path [][][2]float64
	number := func(back int) float64 {
		v, err := strconv.ParseFloat(stack[len(stack)-back], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for token := range tokens(content) {
		switch token {
		case "m":
			path = append(path, [][2]float64{{number(2), number(1)}})
		case "l":
			path[len(path)-1] = append(path[len(path)-1], [2]float64{number(2), number(1)})
		case "f":
			p.paths, path = append(p.paths, path...), nil
		case "S":
			p.strokes, path = append(p.strokes, path...), nil
		case "Tf":
			now.font, now.size = fonts[strings.TrimPrefix(stack[len(stack)-2], "/")], number(1)
		case "Td":
			now.x, now.y = number(2), number(1)
		case "Tj":
			now.say = fromUTF16(strings.TrimPrefix(stack[len(stack)-1], "("))
			p.texts = append(p.texts, now)
		case "h", "q", "Q", "BT", "ET", "g", "rg", "G", "RG", "w", "d", "J", "j":
		default:
			if token != "" && strings.Trim(token[:1], "0123456789.-/([") != "" {
				t.Fatalf("unknown operator %q", token)
			}
			stack = append(stack, token)
			continue
		}
		stack = nil
	}
}

// tokens splits a content stream. A string is told by its first "(", its escapes
// are taken out.
func tokens(content []byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for i := 0; i < len(content); i++ {
			switch c := content[i]; {
			case bytes.IndexByte([]byte(" \n\r\t"), c) >= 0:
			case c == '(':
				s := []byte{'('}
				for i++; content[i] != ')'; i++ {
					if content[i] == '\\' {
						i++
						if content[i] == 'r' {
							content[i] = '\r'
						}
					}
					s = append(s, content[i])
				}
				if !yield(string(s)) {
					return
				}
			default:
				end := i
				for end < len(content) && bytes.IndexByte([]byte(" \n\r\t("), content[end]) < 0 {
					end++
				}
				if !yield(string(content[i:end])) {
					return
				}
				i = end - 1
			}
		}
	}
}

func fromUTF16(s string) string {
	var units []uint16
	for i := 0; i+1 < len(s); i += 2 {
		units = append(units, uint16(s[i])<<8|uint16(s[i+1]))
	}
	return string(utf16.Decode(units))
}

// said is all text of a page, lines put together with blanks.
func (p *page) said() string {
	var lines []string
	for _, t := range p.texts {
		lines = append(lines, t.say)
	}
	return strings.Join(lines, " ")
}

// picture is the page as it is filled, at so many pixels an inch.
func (p *page) picture(dpi float64) *image.RGBA {
	scale := dpi / 72
	width, height := int(595.28*scale), int(841.89*scale)
	drawing := vector.NewRasterizer(width, height)
	for _, sub := range p.paths {
		var corners [][2]float64
		for _, c := range sub {
			corners = append(corners, [2]float64{c[0], 841.89 - c[1]})
		}
		polygon(drawing, corners, scale)
	}
	picture := newPicture(width, height)
	drawing.Draw(picture, picture.Bounds(), image.Black, image.Point{})
	return picture
}

// embedded is a font of the document: its file, and the glyph of each character.
func (d *document) embedded(t testing.TB, font int) (*sfnt.Font, func(r rune) sfnt.GlyphIndex) {
	t.Helper()
	if !bytes.Contains(d.stream(t, number1(t, unicodeOf, d.objects[font])), sameUnicode) {
		t.Fatal("codes are not characters: texts cannot be copied")
	}
	cid := d.objects[number1(t, descendant, d.objects[font])]
	glyphs := d.stream(t, number1(t, glyphsOf, cid))
	file := d.stream(t, number1(t, fontFile, d.objects[number1(t, descriptor, cid)]))
	parsed, err := sfnt.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return parsed, func(r rune) sfnt.GlyphIndex {
		if int(2*r+1) >= len(glyphs) {
			return 0
		}
		return sfnt.GlyphIndex(glyphs[2*r])<<8 | sfnt.GlyphIndex(glyphs[2*r+1])
	}
}
