//go:build unix

package serve

import "syscall"

// openFiles is the number of files that the process may have open. The Go runtime has raised it as far as it may be.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 1 << 31
	}
	return uint64(limit.Cur)
}
