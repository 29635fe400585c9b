//go:build prove

package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
)

// TestProveCheckIn prints how fast one scanner is answered at the door of a full
// arena.
func TestProveCheckIn(t *testing.T) {
	fmt.Println("> One scanner at the door of an event of 20,000 seats, all sold: it scans 2,000 tickets in any order, each once the one\n> before was answered, through stdin. *Within* is from the scan to its answer. Aim: 20 scans a second.\n> ")
	fmt.Println("| door | scans/s | half within, ms | 99 % within, ms | longest, ms |")
	fmt.Println("|---|---:|---:|---:|---:|")
	embedded := "sqlite:" + filepath.Join(t.TempDir(), "seatlock.db")
	tokens := soldOut(t, embedded, 40, 20, 25)
	rand.Shuffle(len(tokens), func(i, j int) { tokens[i], tokens[j] = tokens[j], tokens[i] })
	list := listOf(t, embedded)
	scanAtDoor(t, "embedded store", tokens[:2000], atDoor(embedded)...)
	scanAtDoor(t, "offline, with its list", tokens[:2000], offline(list)...)
	mongo := testengine.ReplicaSet(t).NewDatabase(t)
	tokens = soldOut(t, mongo, 40, 20, 25)
	rand.Shuffle(len(tokens), func(i, j int) { tokens[i], tokens[j] = tokens[j], tokens[i] })
	scanAtDoor(t, "MongoDB, three members", tokens[:2000], atDoor(mongo)...)
}

// scanAtDoor scans one ticket after the other, and prints how long each takes.
func scanAtDoor(t *testing.T, name string, tokens []string, args ...string) {
	t.Helper()
	in, scanner, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer scanner.Close()
	before := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = before }()
	answers, out := io.Pipe()
	exit := make(chan int, 1)
	go func() {
		exit <- run(t.Context(), args, environment(nil), out, io.Discard)
		out.Close()
	}()
	lines := bufio.NewReader(answers)
	var took []time.Duration
	began := time.Now()
	for _, token := range tokens {
		scanned := time.Now()
		if _, err := fmt.Fprintln(scanner, token); err != nil {
			t.Fatal(err)
		}
		if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "IN  ") {
			t.Fatalf("%s: %v: %q", name, err, line)
		}
		took = append(took, time.Since(scanned))
	}
	all := time.Since(began)
	scanner.Close()
	if code := <-exit; code != exitOK {
		t.Errorf("%s: exit %d", name, code)
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	rate := float64(len(took)) / all.Seconds()
	fmt.Printf("| %s | %.0f | %.1f | %.1f | %.1f |\n", name, rate, ms(took[len(took)/2]), ms(took[len(took)*99/100]), ms(took[len(took)-1]))
	if rate < 20 {
		t.Errorf("%s: %.1f scans a second", name, rate)
	}
}
