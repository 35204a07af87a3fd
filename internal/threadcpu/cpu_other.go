//go:build !linux

package threadcpu

import "time"

// Now is the time that has passed: the calling thread cannot have used more of a processor.
func Now() time.Duration { return sinceStart() }
