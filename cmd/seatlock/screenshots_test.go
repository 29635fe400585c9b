//go:build screenshots

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/seatlock/seatlock/internal/testengine"
)

// TestScreenshots takes the pictures of the documents, of busy halls, into the
// folder that SCREENSHOTS names.
func TestScreenshots(t *testing.T) {
	p, browser := serveProgram(t, "--max-seats", "500"), testengine.Chromium(t)
	p.fill()
	for _, screen := range []struct {
		name string
		size chromedp.Action[chromedp.Void]
	}{
		{"desktop", chromedp.EmulateViewport(1280, 860)},
		{"phone", chromedp.EmulateViewport(390, 780, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch)},
	} {
		for _, setting := range []struct{ name, feature, value string }{
			{"light", "prefers-color-scheme", "light"},
			{"dark", "prefers-color-scheme", "dark"},
			{"forced", "forced-colors", "active"},
		} {
			t.Run(screen.name+" "+setting.name, func(t *testing.T) {
				v := p.newVisitor(browser)
				v.Do(t, "size", screen.size)
				v.Prefer(t, setting.feature, setting.value)
				v.takePictures("-" + screen.name + "-" + setting.name)
			})
		}
	}
}

// fill has others lock seats, as on an evening that sells well.
func (p *program) fill() {
	p.rival().lock("A3", "A4", "B2", "B3", "C7", "C8", "C9", "E6", "F1", "F2", "G4", "H7", "H8", "J5")
	var stalls, circle []string
	for i := range 504 {
		row, n := 'A'+rune(i/32), i%32
		if (i*7+i/11)%5 < 2 && n < 23 {
			stalls = append(stalls, fmt.Sprintf("stalls-%c-%d", row, n+1))
		}
		if (i*5+i/7)%6 < 2 && i < 8*44 {
			circle = append(circle, fmt.Sprintf("circle-%c-%d", 'A'+rune(i/44), i%44+1))
		}
	}
	p.rival().postTo("theatre", "lock", stalls)
	p.rival().postTo("theatre", "lock", circle)
	for _, block := range []struct{ number, rows, seats int }{
		{101, 24, 12}, {102, 24, 12}, {103, 23, 12}, {104, 14, 12}, {105, 20, 14}, {109, 12, 14}, {110, 9, 14}, {112, 20, 12},
		{113, 24, 12}, {116, 7, 14}, {118, 19, 10}, {203, 18, 12}, {205, 13, 13}, {208, 9, 13}, {212, 20, 13}, {217, 24, 12}, {226, 16, 13},
	} {
		var seats []string
		for i := range block.rows * block.seats {
			row, n := i/block.seats+1, i%block.seats+1
			if corner := block.seats == 14; (i*3+row)%9 != 0 && (!corner || n < row+5) {
				seats = append(seats, fmt.Sprintf("block-%d-%d-%d", block.number, row, n))
			}
		}
		p.rival().postTo("arena", "lock", seats)
	}
}

func (v *visitor) takePictures(name string) {
	v.t.Helper()
	v.openLive()
	for _, seat := range []string{"D5", "D6"} {
		v.clickSeat(seat)
		v.sees(mine, seat)
	}
	v.picture("demo" + name)
	v.click("#basket .quiet")
	v.basket()

	v.open("/events/theatre")
	v.untilLive()
	v.picture("theatre" + name)

	v.open("/events/arena")
	v.untilLive()
	v.picture("arena" + name)

	v.open("/events/arena/sections/block-205")
	v.untilLive()
	v.picture("section" + name)
}

// picture waits for what moves to be still.
func (v *visitor) picture(name string) {
	v.t.Helper()
	v.until("nothing moves", `document.getAnimations().length === 0`)
	quality := int64(82)
	var data []byte
	v.Do(v.t, "take a picture", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		got, err := cdp.Call(ctx, target, page.CaptureScreenshot, page.CaptureScreenshotParams{
			Format: page.CaptureScreenshotFormatWebp, Quality: &quality})
		data = got.Data
		return err
	}))
	dir := os.Getenv("SCREENSHOTS")
	call(v, "make the folder for pictures", os.MkdirAll(dir, 0o755))
	call(v, "write a picture", os.WriteFile(filepath.Join(dir, name+".webp"), data, 0o644))
}
