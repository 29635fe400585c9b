package ticket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf16"

	"codeberg.org/go-pdf/fpdf"
)

// Sheet is what [PDF] prints: ready texts in the language of its reader. An empty
// one is left out, with its label. Texts of up to [store.MaxText] characters are
// printed whole, smaller if they are long; longer ones are cut and end in "…".
type Sheet struct {
	Lang string // BCP 47, such as "de"
	// Title names the document to the program that shows it. It is not printed.
	Title string
	// Event, Starts, Moved and Venue stand on each ticket. Starts has the date and
	// the time with its zone; Moved says that it was another when it was sold.
	Event, Starts, Moved, Venue string
	// Unprintable is printed in the place of a text that the font cannot show right,
	// such as Arabic or Chinese, and behind one whose emoji had to be left out:
	// "Cannot be printed in full here: the ticket's page shows it."
	Unprintable string
	Tickets     []Stub
}

// Stub is one ticket of a sheet.
type Stub struct {
	Section, Row, Seat, Tariff, Price Field
	// Code is that of the booking.
	Code Field
	// Name is that of the buyer. Only who owns the booking is given it.
	Name Field
	// Issue is the issue number of the token.
	Issue Field
	Token string
}

// Field is a text with the label that stands above it.
type Field struct{ Label, Value string }

// The sheet in millimetres: three tickets on a page of A4, each with its texts on
// the left and its code on the right. Printers reach all of it.
const (
	pageWidth, pageHeight = 210.0, 297.0
	perPage               = 3
	partHeight            = pageHeight / perPage
	margin, top           = 12.0, 9.0
	inside                = partHeight - 2*top
	codeSide              = 40.0
	codeLeft              = pageWidth - margin - codeSide
	belowCode             = codeSide + 6 // the quiet zone of the code is white
	textWidth             = codeLeft - margin - 10
)

// PDF writes the tickets of a sheet as a PDF, three on a page of A4 with lines to cut
// along, in the given order. The same sheet always gives the same bytes. In it is
// what stands on the sheet and nothing else: no author, and no time of making. Its
// texts can be searched and copied. Any number of calls may run at the same time.
//
// It fails if there is no ticket, if a token is too long for a code, if Lang is none,
// if a label or Unprintable itself cannot be printed, and if w does; only then
// something may have been written.
func PDF(w io.Writer, s Sheet) error {
	p := printer{doc: newDocument(), note: s.Unprintable}
	if len(s.Tickets) == 0 {
		return errors.New("print tickets: there are none")
	}
	if strings.Trim(s.Lang, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return fmt.Errorf("print tickets: language %q", s.Lang)
	}
	p.doc.SetLang(s.Lang)
	p.doc.SetTitle(utf16Text(s.Title), false)
	for i, stub := range s.Tickets {
		if i%perPage == 0 {
			p.doc.AddPage()
		}
		if err := p.ticket(s, stub, float64(i%perPage)*partHeight); err != nil {
			return fmt.Errorf("print ticket %d: %w", i+1, err)
		}
	}
	if err := p.doc.Output(w); err != nil {
		return fmt.Errorf("print tickets: %w", err)
	}
	return nil
}

// newDocument is an empty document with both fonts. The library needs times of
// making and takes those of the clock: one that means nothing keeps the bytes the
// same.
func newDocument() *fpdf.Fpdf {
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetAutoPageBreak(false, 0)
	doc.SetCatalogSort(true)
	doc.SetProducer("Seatlock", false)
	never := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	doc.SetCreationDate(never)
	doc.SetModificationDate(never)
	for _, f := range []*face{regular, bold} {
		doc.AddUTF8FontFromBytes(family, f.style, f.data)
	}
	return doc
}

// utf16Text is a text as the information of a PDF has it: UTF-16 with its mark. The
// library's own spoils emoji.
func utf16Text(s string) string {
	b := []byte{0xFE, 0xFF}
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.BigEndian.AppendUint16(b, unit)
	}
	return string(b)
}

// printer is the state of one document that is written.
type printer struct {
	doc  *fpdf.Fpdf
	note string // in the place of what cannot be printed
}

// ticket prints one ticket into the part of the page that begins at y.
func (p printer) ticket(s Sheet, stub Stub, y float64) error {
	code, err := QR(stub.Token)
	if err != nil {
		return err
	}
	texts := []row{
		{cell{Field: Field{Value: s.Event}, size: 16, face: bold}},
		{cell{Field: Field{Value: s.Starts}, size: 12, face: bold}},
		{cell{Field: Field{Value: s.Moved}, size: 11, face: regular}},
		{cell{Field: Field{Value: s.Venue}, size: 12, face: regular}},
		fields(15, stub.Section),
		fields(15, stub.Row, stub.Seat),
		fields(11, stub.Tariff, stub.Price),
		fields(11, stub.Name),
	}
	if err := p.column(texts, margin, y+top, textWidth, inside); err != nil {
		return err
	}
	p.code(code, codeLeft, y+top)
	beside := []row{fields(12, stub.Code), fields(12, stub.Issue)}
	if err := p.column(beside, codeLeft, y+top+belowCode, codeSide, inside-belowCode); err != nil {
		return err
	}
	if y+partHeight < pageHeight {
		p.cutLine(y + partHeight)
	}
	return nil
}

// fields is a row of labelled texts of this size.
func fields(size float64, all ...Field) (r row) {
	for _, f := range all {
		r = append(r, cell{Field: f, size: size, face: bold})
	}
	return r
}

// code draws a QR code as one path, so that no viewer leaves seams between its
// modules.
func (p printer) code(c Code, left, top float64) {
	module := codeSide / float64(c.size)
	p.doc.SetFillColor(0, 0, 0)
	c.runs(func(x, y, length int) {
		x1, x2 := left+float64(x)*module, left+float64(x+length)*module
		y1, y2 := top+float64(y)*module, top+float64(y+1)*module
		p.doc.MoveTo(x1, y1)
		p.doc.LineTo(x2, y1)
		p.doc.LineTo(x2, y2)
		p.doc.LineTo(x1, y2)
		p.doc.ClosePath()
	})
	p.doc.DrawPath("F")
}

func (p printer) cutLine(y float64) {
	p.doc.SetDrawColor(150, 150, 150)
	p.doc.SetLineWidth(0.2)
	p.doc.SetDashPattern([]float64{2, 2}, 0)
	p.doc.Line(5, y, pageWidth-5, y)
}
