//go:build prove && unix

package checkout_test

import (
	"fmt"
	"testing"
)

// TestProveSchedules is TestSchedules at full size.
func TestProveSchedules(t *testing.T) {
	fmt.Println("> Random courses of three visitors, two instances, the house and a provider with faults; some processes are killed\n> on the way. Money, seats, tickets, sales and history agree at rest in all of them, or the test fails.\n> ")
	fmt.Println("| engine | schedules | killed | at once | wall time |")
	fmt.Println("|---|---:|---:|---:|---:|")
	for _, of := range []struct {
		engine       string
		count, parts int
		newStore     func(dir string) string
	}{{"embedded", 10_000, 20, embedded}, {"MongoDB, 3 members", 1_000, 8, replicaSet(t)}} {
		t.Run(of.engine, func(t *testing.T) {
			killed, took := runSchedules(t, of.count, of.parts, of.newStore)
			fmt.Printf("| %s | %d | %d | %d | %v |\n", of.engine, of.count, killed, of.parts, took)
		})
	}
}
