package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

//go:embed HASHES
var published string

//go:embed style.css
var style string

func newFiles(t *testing.T) *Files {
	t.Helper()
	f, err := New()
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return f
}

// What others wrote is here byte for byte as they published it.
func TestVendoredFilesAreAsPublished(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(published), "\n")
	if len(lines) != 2 {
		t.Fatalf("HASHES has %d lines, want 2", len(lines))
	}
	for _, line := range lines {
		want, name, _ := strings.Cut(line, "  ")
		body, err := embedded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: sha256 %s, want %s", name, got, want)
		}
	}
}

func TestOpen(t *testing.T) {
	f := newFiles(t)
	shape := regexp.MustCompile(`^/static/[a-z.-]+-[0-9a-f]{12}\.(js|css|svg)$`)
	for name, kind := range map[string]string{
		"htmx.min.js":   "text/javascript; charset=utf-8",
		"hx-sse.min.js": "text/javascript; charset=utf-8",
		"app.js":        "text/javascript; charset=utf-8",
		"offline.js":    "text/javascript; charset=utf-8",
		"style.css":     "text/css; charset=utf-8",
		"favicon.svg":   "image/svg+xml",
	} {
		path := f.Path(name)
		file, ok := f.Open(path)
		if !ok || !shape.MatchString(path) || file.ContentType != kind {
			t.Errorf("%s: path %s, found %v, type %q", name, path, ok, file.ContentType)
			continue
		}
		r, err := gzip.NewReader(bytes.NewReader(file.Gzip))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if unpacked, err := io.ReadAll(r); err != nil || !bytes.Equal(unpacked, file.Body) || len(unpacked) == 0 {
			t.Errorf("%s: the compressed body differs: %v", name, err)
		}
	}
}

func TestOpenFindsNothingElse(t *testing.T) {
	f := newFiles(t)
	hashed := f.Path("app.js")
	for _, path := range []string{
		"", "/", "/static/", "/static/app.js", "/static/app-000000000000.js", hashed + "/", hashed[1:],
		"/static/../static.go", "/static/HASHES", f.Path("static.go"), f.Path(""),
	} {
		if _, ok := f.Open(path); ok {
			t.Errorf("Open(%q) found a file", path)
		}
	}
}

// A seat map on a slow line: everything that the pages share, compressed.
func TestFilesAreSmall(t *testing.T) {
	total := 0
	for _, file := range newFiles(t).files {
		total += len(file.Gzip)
	}
	if total > 40<<10 {
		t.Errorf("%d bytes compressed, want at most 40 KiB", total)
	}
}

// Nothing may need what the pages' policy forbids.
func TestNothingFromElsewhere(t *testing.T) {
	for _, name := range []string{"app.js", "offline.js"} {
		script, err := embedded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"eval(", "Function(", "innerHTML", ".style", "importScripts"} {
			if bytes.Contains(script, []byte(bad)) {
				t.Errorf("%s contains %s", name, bad)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?:url\(|@import)\s*['"]?([^'")]*)`).FindAllStringSubmatch(style, -1) {
		if !strings.HasPrefix(m[1], "data:") {
			t.Errorf("style.css asks for %s", m[1])
		}
	}
}

// The colours of both themes keep the contrasts of WCAG 2.2: 4.5 for text, 3
// for edges and marks.
func TestContrast(t *testing.T) {
	light, dark, found := strings.Cut(style, "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("style.css has no dark theme")
	}
	themes := map[string]map[string]string{"light": colours(light), "dark": colours(strings.SplitAfter(dark, "}")[0])}
	for name, c := range themes {
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"ink", "paper", 4.5}, {"ink", "card", 4.5}, {"soft", "paper", 4.5}, {"soft", "card", 4.5},
			{"accent", "paper", 4.5}, {"accent", "card", 4.5}, {"accent", "taken", 4.5}, {"on-accent", "accent", 4.5},
			{"on-taken", "taken", 4.5}, {"on-taken", "line", 4.5}, {"on-sold", "sold", 4.5}, {"soft", "taken", 4.5},
			{"alert", "paper", 4.5}, {"alert", "card", 4.5}, {"alert", "alert-paper", 4.5}, {"card", "ink", 4.5},
			{"edge", "card", 3}, {"edge", "taken", 3}, {"level-1", "card", 3}, {"level-2", "card", 3},
			{"level-3", "card", 3}, {"level-4", "card", 3}, {"level-5", "card", 3}, {"level-6", "card", 3},
		} {
			got, err := contrast(c[pair.front], c[pair.back])
			if err != nil {
				t.Errorf("%s: %s on %s: %v", name, pair.front, pair.back, err)
			} else if got < pair.least {
				t.Errorf("%s: %s on %s: contrast %.2f, want %.1f", name, pair.front, pair.back, got, pair.least)
			}
		}
	}
}

func colours(css string) map[string]string {
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
		found[m[1]] = m[2]
	}
	return found
}

func contrast(a, b string) (float64, error) {
	la, errA := luminance(a)
	lb, errB := luminance(b)
	if errA != nil || errB != nil {
		return 0, fmt.Errorf("colours %q and %q", a, b)
	}
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05), nil
}

// luminance is WCAG's relative luminance of a colour.
func luminance(hex string) (float64, error) {
	n, err := strconv.ParseUint(hex, 16, 24)
	if err != nil {
		return 0, err
	}
	linear := func(shift int) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0), nil
}

// Pages may be set from the right: only the hall, which is never mirrored, and
// what stands on a seat may speak of left and right.
func TestStyleIsLogical(t *testing.T) {
	physical := regexp.MustCompile(`(?:^|[\s;])(?:(?:(?:margin|padding|border)-)?(?:left|right)[a-z-]*|(?:text-align|float): *(?:left|right))\b`)
	rule := regexp.MustCompile(`([^{}]+)\{([^{}]*)\}`)
	bare := regexp.MustCompile(`(?s)/\*.*?\*/|url\('[^']*'\)`).ReplaceAllString(style, "")
	for _, m := range rule.FindAllStringSubmatch(bare, -1) {
		if found := physical.FindString(m[2]); found != "" && !strings.Contains(m[1], ".plan") {
			t.Errorf("%s: %s depends on the direction of lines", strings.TrimSpace(m[1]), strings.TrimSpace(found))
		}
	}
}
