//go:build unix

package testengine

import (
	_ "embed" // axe-core, byte for byte as published: see testdata/HASHES
	"testing"

	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe.min.js
var axe string

// axeRun returns a line for each element that breaks a rule of WCAG 2.0 to 2.2,
// levels A and AA, or one of axe's best practices.
const axeRun = `axe.run(document, {
	runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
	resultTypes: ['violations'],
}).then(found => found.violations.flatMap(rule => rule.nodes.slice(0, 5).map(node =>
	rule.id + ': ' + rule.help + ': ' + node.html.slice(0, 160) + ': ' +
	[...node.any, ...node.all, ...node.none].map(check => check.message).join('; '))))`

// Inaccessible returns what axe-core finds wrong with the page that the tab
// shows. axe-core is injected by the browser's protocol, which the page's
// content security policy cannot forbid.
func (tab *Tab) Inaccessible(t testing.TB) []string {
	t.Helper()
	if _, err := chromedp.Run(tab.Context, chromedp.Evaluate[bool](`typeof axe === 'object' || (() => { `+axe+`; return true })()`)); err != nil {
		t.Fatalf("inject axe-core: %v", err)
	}
	found, err := chromedp.Run(tab.Context, chromedp.Evaluate[[]string](axeRun, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("run axe-core: %v", err)
	}
	return found
}
