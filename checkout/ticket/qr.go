package ticket

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/boombuler/barcode/qr"
)

// quiet is the empty margin around a code that scanners need, in modules.
const quiet = 4

// Code is a QR code. It is safe for concurrent use.
type Code struct {
	size int    // modules on a side, without the quiet zone
	dark []bool // by row
}

// QR returns the QR code of a token, of error correction level M: it carries the
// token alone, and is read with up to 15 % of it covered. It fails for a text that
// is too long for a code, which no token is.
func QR(token string) (Code, error) {
	made, err := qr.Encode(token, qr.M, qr.Unicode)
	if err != nil {
		return Code{}, fmt.Errorf("QR code of a ticket: %w", err)
	}
	c := Code{size: made.Bounds().Dx()}
	for y := range c.size {
		for x := range c.size {
			c.dark = append(c.dark, isDark(made.At(x, y)))
		}
	}
	return c, nil
}

func isDark(c color.Color) bool {
	r, _, _, _ := c.RGBA()
	return r < 0x8000
}

// runs calls draw for each run of dark modules of a row, in modules from the
// upper left corner of the code, without the quiet zone.
func (c Code) runs(draw func(x, y, length int)) {
	for y := range c.size {
		for x := 0; x < c.size; x++ {
			start := x
			for x < c.size && c.dark[y*c.size+x] {
				x++
			}
			if x > start {
				draw(start, y, x-start)
			}
		}
	}
}

// SVG is the code as an SVG element that takes the size it is given: a white ground
// with the quiet zone, and all dark modules as one black path. There is no style and
// no script in it, so it may stand in a page of any policy. Who cannot see it needs
// to be told beside it.
func (c Code) SVG() []byte {
	var b bytes.Buffer
	side := c.size + 2*quiet
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" shape-rendering="crispEdges"><rect width="%[1]d" height="%[1]d" fill="#fff"/><path d="`, side)
	c.runs(func(x, y, length int) {
		fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, length, length)
	})
	b.WriteString(`"/></svg>`)
	return b.Bytes()
}

// PNG is the code as a black and white picture, with its quiet zone. modulePixels is
// the side of a module, 1 to 32.
func (c Code) PNG(modulePixels int) ([]byte, error) {
	if modulePixels < 1 || modulePixels > 32 {
		return nil, fmt.Errorf("QR code with modules of %d pixels: want 1 to 32", modulePixels)
	}
	side := (c.size + 2*quiet) * modulePixels
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	c.runs(func(x, y, length int) {
		for py := (y + quiet) * modulePixels; py < (y+quiet+1)*modulePixels; py++ {
			for px := (x + quiet) * modulePixels; px < (x+quiet+length)*modulePixels; px++ {
				picture.SetColorIndex(px, py, 1)
			}
		}
	})
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return nil, fmt.Errorf("QR code as PNG: %w", err)
	}
	return b.Bytes(), nil
}
