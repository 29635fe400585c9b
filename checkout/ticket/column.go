package ticket

import (
	"fmt"
	"strings"
)

// cell is a text of a column: its label, small, and below it the value.
type cell struct {
	Field
	size float64 // of the value, in points
	face *face
}

// row is cells beside each other, of the same width.
type row []cell

const (
	labelSize  = 7.0 // points
	lineHeight = 1.22
	rowGap     = 1.8          // millimetres
	cellGap    = 4.0          // millimetres
	point      = 25.4 / 72    // in millimetres
	ascent     = 0.93 * point // of a text of one point, above its base line
)

// column prints rows below each other. If they do not fit the height, all are
// printed smaller, so that nothing is left out and nothing runs into another.
func (p printer) column(rows []row, x, y, width, height float64) error {
	rows, err := p.printable(rows)
	if err != nil {
		return err
	}
	scale := 1.0
	for height < drawRows(rows, x, y, width, scale, nothing) {
		scale *= 0.96
	}
	drawRows(rows, x, y, width, scale, p.text)
	return nil
}

// printable returns the rows with the texts that the font can show, and without
// what is empty.
func (p printer) printable(rows []row) (kept []row, err error) {
	for _, r := range rows {
		var cells row
		for _, c := range r {
			if c.Value, err = printable(c.Value, p.note); err != nil {
				return nil, err
			}
			label, err := printable(c.Label, "")
			if err != nil {
				return nil, fmt.Errorf("label %q: %w", c.Label, err)
			}
			c.Label = label
			if c.Value != "" {
				cells = append(cells, c)
			}
		}
		if len(cells) > 0 {
			kept = append(kept, cells)
		}
	}
	return kept, nil
}

// draw puts one line of text on its base line.
type draw func(x, y float64, text string, size float64, f *face, gray int)

func nothing(float64, float64, string, float64, *face, int) {}

func (p printer) text(x, y float64, text string, size float64, f *face, gray int) {
	p.doc.SetFont(family, f.style, size)
	p.doc.SetTextColor(gray, gray, gray)
	p.doc.Text(x, y, text)
}

// drawRows draws rows and returns how high they are. It is measured by the same
// steps as it is drawn.
func drawRows(rows []row, x, y, width, scale float64, d draw) (height float64) {
	for _, r := range rows {
		each := (width - cellGap*float64(len(r)-1)) / float64(len(r))
		highest := 0.0
		for i, c := range r {
			highest = max(highest, drawCell(c, x+float64(i)*(each+cellGap), y+height, each, scale, d))
		}
		height += highest + rowGap*scale
	}
	return height
}

func drawCell(c cell, x, y, width, scale float64, d draw) (height float64) {
	height = drawText(c.Label, x, y, width, labelSize*scale, regular, 90, d)
	return height + drawText(c.Value, x, y+height, width, c.size*scale, c.face, 0, d)
}

func drawText(text string, x, y, width, size float64, f *face, gray int, d draw) (height float64) {
	for _, line := range f.wrap(text, width/(size*point)) {
		d(x, y+height+ascent*size, line, size, f, gray)
		height += lineHeight * size * point
	}
	return height
}

// wrap breaks a text into lines of at most this width, given in the font's size:
// between words, and within a word that is wider than a line.
func (f *face) wrap(text string, width float64) (lines []string) {
	line, used := "", 0.0
	end := func() {
		if line != "" {
			lines = append(lines, line)
		}
		line, used = "", 0
	}
	space := f.width(' ')
	for word := range strings.SplitSeq(text, " ") {
		wide := 0.0
		for _, r := range word {
			wide += f.width(r)
		}
		if line != "" && used+space+wide > width {
			end()
		}
		if line != "" {
			line, used = line+" ", used+space
		}
		for _, r := range word {
			if used+f.width(r) > width {
				end()
			}
			line, used = line+string(r), used+f.width(r)
		}
	}
	end()
	return lines
}
