package main

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seatlock/seatlock"

// rule is what a package may import beyond the standard library, and why not
// more.
type rule struct {
	pkg     string
	allowed []string
	because string
}

// rules has every package of the program. An entry of allowed that ends in
// "/..." stands for all below it.
var rules = []rule{
	{"store", nil,
		"the domain outlives every library"},
	{"store/plan", []string{module + "/store", "golang.org/x/text/unicode/norm"},
		"plans are part of the domain"},
	{"store/sqlitestore", []string{module + "/store", module + "/internal/filelock", "zombiezen.com/go/sqlite/...", "golang.org/x/sys/..."},
		"an engine knows the domain and its driver, and nothing of HTTP or looks"},
	{"store/mongostore", []string{module + "/store", "go.mongodb.org/mongo-driver/v2/..."},
		"an engine knows the domain and its driver, and nothing of HTTP or looks"},
	{"store/storetest", []string{module + "/store", "github.com/anishathalye/porcupine"},
		"the suite is the same for every engine, so it knows none"},
	{"checkout", []string{module + "/store", module + "/store/plan", "golang.org/x/sync/singleflight"},
		"what is paid for comes from the store, and who takes the money comes in through a Provider"},
	{"checkout/demo", []string{module + "/checkout", module + "/store"},
		"a provider knows those who call it, and keeps a ledger; its page is HTTP's"},
	{"checkout/paytest", []string{module + "/checkout"},
		"the suite is the same for every provider, so it knows none"},
	{"checkout/ticket", []string{module + "/store", "github.com/boombuler/barcode/qr", "codeberg.org/go-pdf/fpdf", "github.com/arran4/golang-ical",
		"github.com/go-fonts/dejavu/...", "golang.org/x/image/...", "golang.org/x/text/unicode/norm"},
		"a ticket is made from values, and the libraries that draw and write it stay in this one folder"},
	{"views", []string{module + "/store", module + "/store/plan", module + "/checkout/ticket", "github.com/a-h/templ/...", "golang.org/x/text/..."},
		"looks are made from values; no request and no store gets in"},
	{"static", nil,
		"files need nothing"},
	{"live", []string{module + "/store"},
		"what changes look like comes in through a Renderer, and HTTP stays outside"},
	{"handlers", []string{module + "/store", module + "/store/plan", module + "/live", module + "/checkout", module + "/checkout/ticket", module + "/views", module + "/static",
		"github.com/labstack/echo/v4", "github.com/alexedwards/scs/v2", "github.com/a-h/templ", "golang.org/x/text/language",
		"github.com/klauspost/compress/gzhttp", "golang.org/x/sync/singleflight"},
		"handlers must not know which engine is behind the store; Echo stays in this one folder"},
	{"cmd/seatlock", []string{module + "/store", module + "/store/plan", module + "/store/sqlitestore", module + "/store/mongostore", module + "/checkout", module + "/checkout/demo", module + "/checkout/ticket", module + "/handlers", module + "/internal/filelock", module + "/views"},
		"main wires, and commands say things as pages do"},
	{"internal/filelock", []string{"golang.org/x/sys/..."},
		"a lock knows nothing of what the file is for"},
	{"internal/testengine", []string{"github.com/chromedp/...", "go.mongodb.org/mongo-driver/v2/..."},
		"test machinery knows nothing of what it tests"},
}

// listed is what go list tells of a package.
type listed struct {
	ImportPath, Dir  string
	Imports, GoFiles []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	command := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", module+"/...")
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
}

// TestImports holds every package to its line of the table.
func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		i := slices.IndexFunc(rules, func(r rule) bool { return r.pkg == name })
		if i < 0 {
			t.Errorf("%s has no line in the table: say what it may import, and why", name)
			continue
		}
		for _, imported := range p.Imports {
			if !strings.Contains(strings.Split(imported, "/")[0], ".") {
				continue // standard library
			}
			if !slices.ContainsFunc(rules[i].allowed, func(a string) bool { return matches(a, imported) }) {
				t.Errorf("%s imports %s: %s", name, imported, rules[i].because)
			}
		}
	}
}

func matches(allowed, imported string) bool {
	below, all := strings.CutSuffix(allowed, "/...")
	return imported == allowed || all && (imported == below || strings.HasPrefix(imported, below+"/"))
}

// TestPackageComments wants one package comment in each package: its promise.
func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		var with []string
		for _, file := range p.GoFiles {
			if strings.HasSuffix(file, "_templ.go") {
				continue // generated; its head stands where a comment would
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), path.Join(p.Dir, file), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if parsed.Doc != nil {
				with = append(with, file)
			}
		}
		if len(with) != 1 {
			t.Errorf("%s has package comments in %q, want exactly one", p.ImportPath, with)
		}
	}
}
