package ticket

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/image/vector"
)

func TestPNG(t *testing.T) {
	for _, ticket := range []Ticket{someTicket, longest} {
		token := keys(1).Sign(ticket)
		code := mustQR(t, token)
		for _, module := range []int{2, 3, 8} {
			picture := mustPNG(t, code, module)
			if side := (code.size + 2*quiet) * module; picture.Bounds() != image.Rect(0, 0, side, side) {
				t.Errorf("modules of %d pixels: the picture is %v, want a side of %d", module, picture.Bounds(), side)
			}
			if got := decode(t, picture); got != token {
				t.Errorf("modules of %d pixels: decoded %q, want %q", module, got, token)
			}
			for i := range quiet * module {
				for j := range picture.Bounds().Dx() {
					if dark(picture.At(i, j)) || dark(picture.At(j, i)) {
						t.Fatalf("modules of %d pixels: the quiet zone is dark at %d", module, i)
					}
				}
			}
		}
		for _, module := range []int{-1, 0, 33} {
			if _, err := code.PNG(module); err == nil {
				t.Errorf("modules of %d pixels are accepted", module)
			}
		}
	}
}

// TestSVG draws the path of the SVG and decodes it.
func TestSVG(t *testing.T) {
	token := keys(1).Sign(someTicket)
	svg := mustQR(t, token).SVG()
	var element struct {
		XMLName xml.Name
		ViewBox string     `xml:"viewBox,attr"`
		Other   []xml.Attr `xml:",any,attr"`
		Paths   []struct {
			D     string     `xml:"d,attr"`
			Other []xml.Attr `xml:",any,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal(svg, &element); err != nil {
		t.Fatal(err)
	}
	for _, attr := range element.Other {
		if name := attr.Name.Local; name != "xmlns" && name != "shape-rendering" {
			t.Errorf("the element has %s=%q", name, attr.Value)
		}
	}
	if len(element.Paths) != 1 || len(element.Paths[0].Other) != 0 || bytes.Contains(svg, []byte("style")) || bytes.Contains(svg, []byte("script")) {
		t.Fatalf("want one bare path, and neither style nor script: %.300s", svg)
	}
	const scale = 6
	var left, top, width, height int
	if _, err := fmt.Sscan(element.ViewBox, &left, &top, &width, &height); err != nil || width != height || left != 0 || top != 0 {
		t.Fatalf("viewBox %q: %v", element.ViewBox, err)
	}
	picture := newPicture(width*scale, height*scale)
	drawing := vector.NewRasterizer(width*scale, height*scale)
	for sub := range strings.SplitSeq(strings.TrimSuffix(element.Paths[0].D, "z"), "z") {
		var x, y, right, back int
		if _, err := fmt.Sscanf(sub, "M%d %dh%dv1h-%d", &x, &y, &right, &back); err != nil || right != back {
			t.Fatalf("path %q: %v", sub, err)
		}
		if x < quiet || y < quiet || x+right > width-quiet || y+1 > height-quiet {
			t.Errorf("path %q reaches into the quiet zone", sub)
		}
		polygon(drawing, [][2]float64{{float64(x), float64(y)}, {float64(x + right), float64(y)}, {float64(x + right), float64(y + 1)}, {float64(x), float64(y + 1)}}, scale)
	}
	drawing.Draw(picture, picture.Bounds(), image.Black, image.Point{})
	if got := decode(t, picture); got != token {
		t.Errorf("decoded %q, want %q", got, token)
	}
}

// TestPhoto decodes the code from a picture as a phone takes it of a paper. The
// longest token has smaller modules, and the decoder takes less tilt with them.
func TestPhoto(t *testing.T) {
	for i, tc := range []struct {
		ticket Ticket
		photo  photo
	}{
		{someTicket, photo{degrees: 4, tilt: 0.14}},
		{someTicket, photo{degrees: -13, tilt: 0.05}},
		{someTicket, photo{degrees: 31, tilt: 0.10}},
		{someTicket, photo{degrees: 187, tilt: 0.12}},
		{longest, photo{degrees: 4, tilt: 0.05}},
		{longest, photo{degrees: 187, tilt: 0.08}},
	} {
		token := keys(1).Sign(tc.ticket)
		paper := mustPNG(t, mustQR(t, token), 10)
		if got := decode(t, tc.photo.take(paper, uint64(i))); got != token {
			t.Errorf("%+v: decoded %q, want %q", tc.photo, got, token)
		}
	}
}

// photo is how a paper is held before a camera.
type photo struct{ degrees, tilt float64 }

// take draws the paper as it looks from there: turned, tilted, blurred, noisy and
// unevenly lit.
func (p photo) take(paper image.Image, seed uint64) *image.Gray {
	const side = 900
	size := float64(paper.Bounds().Dx())
	sin, cos := math.Sincos(p.degrees * math.Pi / 180)
	sharp := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			// From the middle of the picture, 1 is half its side.
			u, v := float64(x)/side*2-1, float64(y)/side*2-1
			far := 1 + p.tilt*u + p.tilt/2*v
			u, v = (u*cos-v*sin)/far, (u*sin+v*cos)/far
			light := 0.55 + 0.4*math.Exp(-((u-0.6)*(u-0.6)+(v+0.5)*(v+0.5)))
			sharp.SetGray(x, y, color.Gray{uint8(light * float64(gray(paper, u*0.8*size+size/2, v*0.8*size+size/2)))})
		}
	}
	return blurred(noisy(blurred(sharp), seed)) // a camera smooths its noise
}

// gray is the paper at a point, its ink never quite black; around it is a table.
func gray(paper image.Image, x, y float64) uint8 {
	at := image.Pt(int(math.Floor(x)), int(math.Floor(y)))
	switch {
	case !at.In(paper.Bounds()):
		return 120
	case dark(paper.At(at.X, at.Y)):
		return 60
	}
	return 235
}

// blurred is the mean of five pixels across and five down. At the edge it repeats the
// last one.
func blurred(from *image.Gray) *image.Gray { return smeared(smeared(from, 1, 0), 0, 1) }

func smeared(from *image.Gray, dx, dy int) *image.Gray {
	to := image.NewGray(from.Rect)
	width, height := from.Rect.Dx(), from.Rect.Dy()
	for y := range height {
		for x := range width {
			sum := 0
			for i := -2; i <= 2; i++ {
				sum += int(from.Pix[min(max(y+i*dy, 0), height-1)*from.Stride+min(max(x+i*dx, 0), width-1)])
			}
			to.Pix[y*to.Stride+x] = uint8(sum / 5)
		}
	}
	return to
}

func noisy(picture *image.Gray, seed uint64) *image.Gray {
	random := rand.New(rand.NewPCG(seed, 1))
	for i, v := range picture.Pix {
		picture.Pix[i] = uint8(min(255, max(0, float64(v)+random.NormFloat64()*14)))
	}
	return picture
}

func polygon(drawing *vector.Rasterizer, corners [][2]float64, scale float64) {
	for i, c := range corners {
		x, y := float32(c[0]*scale), float32(c[1]*scale)
		if i == 0 {
			drawing.MoveTo(x, y)
		} else {
			drawing.LineTo(x, y)
		}
	}
	drawing.ClosePath()
}

// newPicture is a white one.
func newPicture(width, height int) *image.RGBA {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	return picture
}

func mustQR(t testing.TB, token string) Code {
	t.Helper()
	code, err := QR(token)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func mustPNG(t testing.TB, code Code, module int) image.Image {
	t.Helper()
	data, err := code.PNG(module)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func TestQRTooLong(t *testing.T) {
	if _, err := QR(strings.Repeat("A", 10<<10)); err == nil {
		t.Error("10 KB fit into a code")
	}
}
