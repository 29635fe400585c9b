package sqlitestore

import (
	"time"

	"golang.org/x/sys/unix"
)

// machine reads this machine's clocks. Go's own monotonic clock stands still
// while the machine sleeps.
func machine() readings {
	return readings{wall: wall, boot: func() time.Duration {
		var at unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &at); err != nil {
			panic(err) // no Linux that Go runs on lacks it
		}
		return time.Duration(at.Nano())
	}}
}
