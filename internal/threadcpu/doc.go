// Package threadcpu measures what the thread that a goroutine is locked to has used of a processor, calls into C included.
package threadcpu
