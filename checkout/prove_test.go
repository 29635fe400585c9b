//go:build prove && unix

package checkout_test

import "testing"

// TestProveSchedules is TestSchedules at full size.
func TestProveSchedules(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { runSchedules(t, 10_000, 20, embedded) })
	t.Run("MongoDB", func(t *testing.T) { runSchedules(t, 1_000, 8, replicaSet(t)) })
}
