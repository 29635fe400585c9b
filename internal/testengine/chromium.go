//go:build unix

package testengine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Browser is a running Chromium. Use [Chromium].
type Browser struct {
	ctx     context.Context
	folder  string
	janitor *janitor // kept reachable: if collected, its closed pipe would end the browser
}

// processBrowser starts the Chromium that [Chromium] hands out.
var processBrowser = sync.OnceValues(startChromium)

// Chromium returns a headless Chromium that all tests of the process share.
// Each visitor has their own windows and cookies, which end with the test. The
// first call starts it; it ends with the process, even if that is killed. The
// program is $CHROME if that is set, else chromium or google-chrome on PATH.
func Chromium(t testing.TB) *Browser {
	t.Helper()
	b, err := processBrowser()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// startChromium starts the browser. A janitor ends it and removes its profile.
func startChromium() (*Browser, error) {
	path, err := findChromium(os.Getenv, exec.LookPath)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "seatlock-chromium-")
	if err != nil {
		return nil, err
	}
	janitor, err := startJanitor(folder, 1)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	profile := filepath.Join(folder, "profile")
	allocator, _ := chromedp.NewExecAllocator(context.Background(), append(flags(path), chromedp.UserDataDir(profile))...)
	ctx, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	pid := fmt.Append(nil, chromedp.FromContext(ctx).Browser.Process().Pid)
	if err := os.WriteFile(filepath.Join(profile, "pid"), pid, 0o600); err != nil {
		return nil, err
	}
	return &Browser{ctx, folder, janitor}, nil
}

var errNoChromium = errors.New("no Chromium found, which browser tests need: " +
	"install the package chromium (or Google Chrome), or set CHROME to the program's path")

func findChromium(getenv func(string) string, lookPath func(string) (string, error)) (string, error) {
	if named := getenv("CHROME"); named != "" {
		path, err := lookPath(named)
		if err != nil {
			return "", fmt.Errorf("CHROME=%s: %w", named, err)
		}
		return path, nil
	}
	for _, name := range []string{"chromium", "google-chrome", "google-chrome-stable", "chromium-browser"} {
		if path, err := lookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoChromium
}

// flags keep the browser from fetching anything that no test asks for. Tabs in
// the background are still throttled and hidden, as they are for people.
func flags(path string) []chromedp.ExecAllocatorOption {
	return []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.Flag("headless", "new"),
		chromedp.NoSandbox, // containers run tests as root, which the sandbox does not allow
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.WindowSize(1280, 900),
		chromedp.Flag("accept-lang", "en"), // pages come in the browser's language
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-default-apps", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-features", "Translate,MediaRouter,OptimizationHints"),
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("mute-audio", true),
	}
}

// Tab is one page of a visitor. It records the browser's complaints: the test
// fails at its end if any was not excused.
type Tab struct {
	// Context is the context for chromedp's actions on this tab.
	Context context.Context

	mu         sync.Mutex
	complaints []string
	excused    func(complaint string) bool
}

// Visitor opens the first tab of a new visitor, who has no cookies and shares
// none with other visitors.
func (b *Browser) Visitor(t testing.TB) *Tab {
	t.Helper()
	return open(t, b.ctx, chromedp.WithNewBrowserContext())
}

// Beside opens another tab of the same visitor in the same window. The new tab is
// in front, and the first one hidden.
func (tab *Tab) Beside(t testing.TB) *Tab {
	t.Helper()
	return open(t, tab.Context, chromedp.WithNewWindow(false))
}

// Window opens another tab of the same visitor in a window of its own: both
// are visible.
func (tab *Tab) Window(t testing.TB) *Tab {
	t.Helper()
	return open(t, tab.Context, chromedp.WithNewWindow(true))
}

// Front brings the tab before the others of its window.
func (tab *Tab) Front(t testing.TB) {
	t.Helper()
	if err := Call(tab, page.BringToFront, cdp.Empty{}); err != nil {
		t.Fatalf("bring the tab to the front: %v", err)
	}
}

// Call sends a command of the browser's protocol to the tab.
func Call[P, R any](tab *Tab, command cdp.Command[P, R], params P) error {
	return chromedp.Do(tab.Context, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	}))
}

func open(t testing.TB, parent context.Context, how chromedp.ContextOption) *Tab {
	t.Helper()
	tab := &Tab{}
	ctx, closeTab := chromedp.NewContext(parent, how, chromedp.WithListener(tab.listen))
	tab.Context = ctx
	t.Cleanup(func() {
		tab.settle(t)
		closeTab()
	})
	if err := Call(tab, audits.Enable, cdp.Empty{}); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return tab
}

// settle evaluates one more expression, whose result comes after all events
// before it, and then fails the test for each complaint.
func (tab *Tab) settle(t testing.TB) {
	ctx, cancel := context.WithTimeout(tab.Context, 10*time.Second)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`true`)); err != nil {
		t.Errorf("the browser does not answer at the end: %v", err)
	}
	for _, c := range tab.Complaints() {
		t.Errorf("the browser complains: %s", c)
	}
}
