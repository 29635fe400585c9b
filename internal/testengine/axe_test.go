//go:build unix

package testengine

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe-core is committed exactly as it was published.
func TestAxeIsAsPublished(t *testing.T) {
	published, err := os.ReadFile("testdata/HASHES")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(axe))
	if got, want := hex.EncodeToString(sum[:]), strings.Fields(string(published))[0]; got != want {
		t.Errorf("axe.min.js: sha256 %s, want %s", got, want)
	}
}

func TestInaccessible(t *testing.T) {
	browser := Chromium(t)
	for name, c := range map[string]struct{ body, rule string }{
		"well made":         {`<main><h1>Seats</h1><button>Choose</button></main>`, ""},
		"button of no name": {`<main><h1>Seats</h1><button></button></main>`, "button-name"},
		"faint text":        {`<main><h1>Seats</h1><font color="#bbbbbb">so faint</font></main>`, "color-contrast"},
		"small targets": {`<main><h1>Seats</h1><input type="checkbox" aria-label="a"><input type="checkbox" aria-label="b"></main>`,
			"target-size"},
		"no heading": {`<main><p>Seats</p></main>`, "page-has-heading-one"},
	} {
		t.Run(name, func(t *testing.T) {
			tab := browser.Visitor(t)
			if err := chromedp.Do(tab.Context, chromedp.Navigate(strictSite(t, `<html lang="en">`+c.body))); err != nil {
				t.Fatal(err)
			}
			found := tab.Inaccessible(t)
			if again := tab.Inaccessible(t); len(again) != len(found) {
				t.Errorf("the second look found %q, want what the first found", again)
			}
			if c.rule == "" && len(found) > 0 || c.rule != "" && (len(found) == 0 || !strings.HasPrefix(found[0], c.rule+": ")) {
				t.Errorf("found %q, want %q", found, c.rule)
			}
		})
	}
}
