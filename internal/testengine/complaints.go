//go:build unix

package testengine

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// Complaints returns the browser's complaints so far that are not excused:
// console messages, exceptions, violations of the page's content security
// policy, failed loads, and answers of 5xx.
func (tab *Tab) Complaints() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(tab.complaints), func(c string) bool {
		return tab.excused != nil && tab.excused(c)
	})
}

// Excuse marks complaints as expected in this test: all, past and future, that
// match the regular expression. It replaces an earlier one.
func (tab *Tab) Excuse(pattern string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.excused = regexp.MustCompile(pattern).MatchString
}

func (tab *Tab) listen(event any) {
	complaint := complaintOf(event)
	if complaint == "" {
		return
	}
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.complaints = append(tab.complaints, complaint)
}

// known matches Chromium's own lines about an answer of 4xx, and about what an
// answer has it drop, which add nothing to the answer.
var known = regexp.MustCompile(`^(Failed to load resource: the server responded with a status of 4\d\d |Clear-Site-Data header on .*: Cleared data types: )`)

func complaintOf(event any) string {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		return "console." + string(e.Type) + " " + consoleText(e.Args)
	case *runtime.EventExceptionThrown:
		return "exception: " + exceptionText(e.ExceptionDetails)
	case *log.EventEntryAdded:
		if known.MatchString(e.Entry.Text) {
			return ""
		}
		return fmt.Sprintf("log: %s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *audits.EventIssueAdded:
		if d := e.Issue.Details.ContentSecurityPolicyIssueDetails; d != nil {
			return fmt.Sprintf("policy: %s forbids %s", d.ViolatedDirective, d.BlockedURL)
		}
	case *network.EventLoadingFailed:
		if !e.Canceled { // by the page itself, or because it was left
			return fmt.Sprintf("load failed: %s %s", e.Type, e.ErrorText)
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 500 {
			return fmt.Sprintf("status %d: %s", e.Response.Status, e.Response.URL)
		}
	case *inspector.EventTargetCrashed:
		return "the tab crashed"
	}
	return ""
}

func consoleText(args []*runtime.RemoteObject) string {
	var text string
	for _, arg := range args {
		text += " " + string(arg.Value) + arg.Description
	}
	return text
}

func exceptionText(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}
