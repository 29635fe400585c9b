//go:build unix

package testengine

import (
	"syscall"
	"testing"
	"time"
)

// CPU returns the CPU time that this process has used, in user mode and in the
// kernel.
func CPU(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
