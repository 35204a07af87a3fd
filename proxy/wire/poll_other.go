//go:build !unix

package wire

import (
	"errors"
	"io"
	"syscall"
)

func unread(syscall.RawConn) bool { return false }

func rawConn(io.Reader) syscall.RawConn { return nil }

func (r *Reader) readRaw() error { return errors.ErrUnsupported }

func (r *Reader) readDescriptor(uintptr) bool { return true }
