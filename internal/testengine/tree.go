//go:build unix

package testengine

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// Tree returns the page's accessibility tree: an indented line for each node with
// its role, its name and its unusual states. Nodes that mean nothing to assistive
// technology are left out.
func (tab *Tab) Tree(t testing.TB) string {
	t.Helper()
	var got accessibility.GetFullAXTreeResult
	err := chromedp.Do(tab.Context, chromedp.Func(func(ctx context.Context, target *chromedp.Target) (err error) {
		got, err = cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		return err
	}))
	if err != nil || len(got.Nodes) == 0 {
		t.Fatalf("ask for the accessibility tree: %d nodes, %v", len(got.Nodes), err)
	}
	w := treeWriter{nodes: map[accessibility.NodeID]*accessibility.Node{}}
	for _, n := range got.Nodes {
		w.nodes[n.NodeID] = n
	}
	w.write(got.Nodes[0], 0, "")
	return w.String()
}

type treeWriter struct {
	strings.Builder
	nodes map[accessibility.NodeID]*accessibility.Node
}

// meaningless are roles that assistive technology ignores, or that differ between
// releases of the browser.
var meaningless = []string{"none", "generic", "InlineTextBox", "LabelText", "Legend", "ListMarker", "RootWebArea",
	"paragraph", "sectionheader", "strong", "time"}

// write writes a node and its children. It leaves out text that only repeats the
// name of the node around it.
func (w *treeWriter) write(n *accessibility.Node, depth int, within string) {
	role, name := text(n.Role), strings.TrimSpace(text(n.Name))
	said := role == "StaticText" && strings.Contains(within, name)
	if role == "StaticText" {
		role = "text"
	}
	if !n.Ignored && !said && !slices.Contains(meaningless, role) {
		w.WriteString(strings.Repeat("  ", depth) + strings.TrimSpace(role+" "+name) + states(n) + "\n")
		depth++
		if name != "" {
			within = name
		}
	}
	for _, id := range n.ChildIDs {
		if child := w.nodes[id]; child != nil {
			w.write(child, depth, within)
		}
	}
}

func states(n *accessibility.Node) (all string) {
	for _, p := range n.Properties {
		switch name, value := string(p.Name), text(p.Value); {
		case name == "level" && text(n.Role) == "heading":
			all += " " + value
		case slices.Contains([]string{"pressed", "disabled", "checked"}, name) && value != "false":
			all += " [" + name + "]"
		}
	}
	return all
}

// text returns a value as people read it.
func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var s string
	if json.Unmarshal(v.Value, &s) != nil {
		s = string(v.Value)
	}
	return s
}
