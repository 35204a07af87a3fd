//go:build unix

package loop

import "syscall"

// Waiting tells whether a socket has bytes that can be read at once. It reads none.
func Waiting(socket uintptr) bool {
	var b [1]byte
	n, _, err := syscall.Recvfrom(int(socket), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return err == nil && n > 0
}
