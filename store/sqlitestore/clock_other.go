//go:build !linux

package sqlitestore

import "time"

// machine reads this machine's clocks. Where the monotonic one stands still while
// the machine sleeps, the wall clock is followed a few seconds later.
func machine() readings {
	start := time.Now()
	return readings{wall: wall, boot: func() time.Duration { return time.Since(start) }}
}
