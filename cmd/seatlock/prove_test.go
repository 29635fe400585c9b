//go:build prove

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"github.com/seatlock/seatlock/internal/testengine"
)

// TestProveBrowser prints what a section of 500 seats costs a real browser,
// beside the same page at rest.
func TestProveBrowser(t *testing.T) {
	p := serveBlocks(t)
	v := p.newVisitor(testengine.Chromium(t))
	call(v, "count what the page costs", testengine.Call(v.Tab, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}))
	v.open("/events/blocks/sections/block-1")
	v.untilLive()

	fmt.Println("> A page of 500 seats, ten seconds each. *Busy* is the CPU time of the main thread in a second. Aims: the frames of\n> the page at rest, and no long task (over 50 ms).\n> ")
	fmt.Println("| page | updates/s | frames/s | 95 % of frames within, ms | long tasks | busy, ms/s |")
	fmt.Println("|---|---:|---:|---:|---:|---:|")
	v.watchFor("at rest", 10*time.Second, func() int { return 0 })
	crowd := p.crowd(10)
	v.watchFor("100 updates/s", 10*time.Second, crowd.step)
	crowd.leave()

	fmt.Println("> \n> All 500 seats change at once. *Busy* is the CPU time of the main thread in the two seconds in which they do, less what\n> the page at rest takes, and *longest task* is by the clock; both the median of 9. Aim: 50 ms.\n> ")
	fmt.Println("| change | busy, ms | longest task, ms |")
	fmt.Println("|---|---:|---:|")
	v.watchChangeOfAll(p)
}

// serveBlocks serves a hall of four sections with 500 seats, which is too
// large for one page.
func serveBlocks(t *testing.T) *program {
	t.Helper()
	dir := t.TempDir()
	plan := filepath.Join(dir, "blocks.json")
	hall := []string{"generate"}
	for i := range 4 {
		hall = append(hall, "--section", fmt.Sprintf("Block %d", i+1), "--rows", "20", "--seats", "25", "--category", "Standard", "--price", "45.00")
	}
	if err := os.WriteFile(plan, []byte(does(t, hall...)), 0o644); err != nil {
		t.Fatal(err)
	}
	address := "sqlite:" + filepath.Join(dir, "seatlock.db")
	does(t, "import", "--create", "--store", address, "--event", "blocks", "--title", "Blocks", "--currency", "EUR", "--zone", "Europe/Vienna", plan)
	return serveStoreOf(t, address, "--max-seats", "500")
}

// crowd is visitors who lock and give back ten seats at a time.
type crowd struct {
	program *program
	rivals  []*rival
	steps   int
}

func (p *program) crowd(n int) *crowd {
	c := &crowd{program: p}
	for range n {
		c.rivals = append(c.rivals, p.rival())
	}
	return c
}

// step changes ten seats, and returns how many.
func (c *crowd) step() int {
	n := c.steps % (2 * len(c.rivals))
	r, what := c.rivals[n/2], []string{"lock", "unlock"}[n%2]
	var seats []string
	for i := range 10 {
		seats = append(seats, fmt.Sprintf("block-1-%c-%d", 'A'+rune(n/2), 1+(c.steps*7+i)%15))
	}
	if what == "unlock" {
		seats = nil // all of them
	}
	c.steps++
	r.postTo("blocks", what, seats)
	return 10
}

func (c *crowd) leave() {
	for _, r := range c.rivals {
		r.postTo("blocks", "unlock", nil)
	}
}

// watchScript counts frames and long tasks from now on.
const watchScript = `(() => {
	const seen = window.seen = { from: performance.now(), frames: [], long: [] };
	seen.tasks = new PerformanceObserver(list => seen.long.push(...list.getEntries().map(e => e.duration)));
	seen.tasks.observe({ type: 'longtask' });
	const frame = now => { if (window.seen === seen) { seen.frames.push(now); requestAnimationFrame(frame); } };
	requestAnimationFrame(frame);
	return true;
})()`

type watched struct {
	Seconds float64   `json:"seconds"`
	Frames  int       `json:"frames"`
	Within  float64   `json:"within"`
	Long    []float64 `json:"long"`
}

const watchedScript = `(() => {
	const seen = window.seen, gaps = seen.frames.slice(1).map((t, i) => t - seen.frames[i]).sort((a, b) => a - b);
	window.seen = null;
	seen.tasks.disconnect();
	return { seconds: (performance.now() - seen.from) / 1000, frames: seen.frames.length,
		within: gaps[Math.floor(gaps.length * 0.95)] ?? 0, long: seen.long };
})()`

// watchFor calls work ten times a second, and prints how the page fared.
func (v *visitor) watchFor(name string, d time.Duration, work func() int) {
	v.t.Helper()
	ask[bool](v, watchScript)
	before, began := v.busy(), time.Now()
	updates := 0
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for time.Since(began) < d {
		updates += work()
		<-tick.C
	}
	took := time.Since(began).Seconds()
	busy := v.busy() - before
	w := ask[watched](v, watchedScript)
	fmt.Printf("| %s | %.0f | %.1f | %.1f | %d | %.0f |\n", name, float64(updates)/took, float64(w.Frames)/w.Seconds, w.Within, len(w.Long),
		busy.Seconds()*1000/took)
}

// busy is the CPU time that the page's main thread has used.
func (v *visitor) busy() (total time.Duration) {
	v.t.Helper()
	v.Do(v.t, "ask what the page costs", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		got, err := cdp.Call(ctx, target, performance.GetMetrics, cdp.Empty{})
		for _, m := range got.Metrics {
			if m.Name == "TaskDuration" {
				total = time.Duration(m.Value * float64(time.Second))
			}
		}
		return err
	}))
	return total
}

// watchChangeOfAll withholds all seats and puts them back on sale, again and
// again, and prints what each change costs the page.
func (v *visitor) watchChangeOfAll(p *program) {
	v.t.Helper()
	var all []string
	for row := range 20 {
		for n := range 25 {
			all = append(all, fmt.Sprintf("block-1-%c-%d", 'A'+rune(row), n+1))
		}
	}
	ask[bool](v, watchScript) // which costs something, too
	rest := v.busyWhile(func() {})
	ask[watched](v, watchedScript)
	var costs []time.Duration
	var longest []float64
	for i := range 9 {
		command, state := "withhold", "withheld"
		if i%2 == 1 {
			command, state = "unwithhold", "available"
		}
		ask[bool](v, watchScript)
		costs = append(costs, v.busyWhile(func() {
			does(v.t, append([]string{command, "--store", p.store, "--event", "blocks"}, all...)...)
		})-rest)
		v.until("all seats are "+state, fmt.Sprintf("document.querySelectorAll('#plan button.%s').length === 500", state))
		longest = append(longest, slices.Max(append(ask[watched](v, watchedScript).Long, 0)))
	}
	slices.Sort(costs)
	slices.Sort(longest)
	tasks := "none over 50"
	if long := longest[len(longest)/2]; long > 0 {
		tasks = fmt.Sprintf("%.0f", long)
	}
	fmt.Printf("| 500 seats, one section | %.0f | %s |\n", costs[len(costs)/2].Seconds()*1000, tasks)
}

// busyWhile is what the main thread works in two seconds in which something
// happens.
func (v *visitor) busyWhile(something func()) time.Duration {
	v.t.Helper()
	before, over := v.busy(), time.After(2*time.Second)
	something()
	<-over
	return v.busy() - before
}
