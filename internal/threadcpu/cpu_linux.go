package threadcpu

import (
	"time"

	"golang.org/x/sys/unix"
)

// Now is the time that the calling thread has spent on a processor. It means something only while the goroutine is locked
// to its thread.
func Now() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return sinceStart()
	}
	return time.Duration(t.Nano())
}
