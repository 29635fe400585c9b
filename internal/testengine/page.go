//go:build unix

package testengine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Do runs actions on the tab; what names them in a failure.
func (tab *Tab) Do(t testing.TB, what string, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(tab.Context, actions...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// Ask returns the value of an expression on the page that the tab shows.
func Ask[T any](t testing.TB, tab *Tab, expression string) T {
	t.Helper()
	got, err := chromedp.Run(tab.Context, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("evaluate %s: %v", expression, err)
	}
	return got
}

// Prefer sets a media feature, such as "prefers-color-scheme", to a value, such
// as "dark".
func (tab *Tab) Prefer(t testing.TB, feature, value string) {
	t.Helper()
	tab.show(t, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: feature, Value: value}}})
	if !Ask[bool](t, tab, `matchMedia('(`+feature+`: `+value+`)').matches`) {
		t.Fatalf("the browser does not follow %s: %s", feature, value)
	}
}

// Print shows the page as it would be on paper.
func (tab *Tab) Print(t testing.TB) {
	t.Helper()
	tab.show(t, emulation.SetEmulatedMediaParams{Media: "print"})
}

func (tab *Tab) show(t testing.TB, how emulation.SetEmulatedMediaParams) {
	t.Helper()
	if err := Call(tab, emulation.SetEmulatedMedia, how); err != nil {
		t.Fatalf("show as %+v: %v", how, err)
	}
}

// WantNarrow fails the test if the page is wider than the screen.
func (tab *Tab) WantNarrow(t testing.TB, when string) {
	t.Helper()
	const more = `document.scrollingElement.scrollWidth - document.documentElement.clientWidth`
	if got := Ask[int](t, tab, more); got > 0 {
		t.Errorf("%s: the page is %d px wider than the screen", when, got)
	}
}

// WantAccessible fails the test for each thing that axe-core finds wrong.
func (tab *Tab) WantAccessible(t testing.TB, when string) {
	t.Helper()
	for _, found := range tab.Inaccessible(t) {
		t.Errorf("%s: %s", when, found)
	}
}

// Shoot saves a screenshot in the folder that SCREENSHOTS names, if it is set.
func (tab *Tab) Shoot(t testing.TB, name string, picture chromedp.Action[[]byte]) {
	t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(tab.Context, picture)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		t.Fatalf("picture %s: %v", name, err)
	}
}
