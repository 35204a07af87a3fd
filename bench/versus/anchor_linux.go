package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// anchor passes bytes on between clients and the server in one loop over raw system calls, and looks at none of them. It is
// what is there to be reached by one thread in Go: what Segue takes more is for looking. It ends with the process.
func anchor(listen, server string) error {
	to, err := net.ResolveTCPAddr("tcp4", server)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp4", listen)
	if err != nil {
		return err
	}
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	upstream := &syscall.SockaddrInet4{Port: to.Port}
	copy(upstream.Addr[:], to.IP.To4())
	loop, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	a := &passer{loop: loop, peers: make(map[int32]int32), waiting: make(map[int32][]byte), buffer: make([]byte, 64<<10)}
	listener := int32(file.Fd())
	if err := a.watch(listener, syscall.EPOLLIN); err != nil {
		return err
	}
	events := make([]syscall.EpollEvent, 256)
	for {
		n, err := syscall.EpollWait(loop, events, -1)
		if err != nil && err != syscall.EINTR {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd == listener {
				if err := a.accept(int(listener), upstream); err != nil {
					return err
				}
				continue
			}
			a.ready(e.Fd, e.Events)
		}
	}
}

// A passer is the state of the loop.
type passer struct {
	loop    int
	peers   map[int32]int32  // of each socket, the one that its bytes go to
	waiting map[int32][]byte // what a socket could not take yet; its peer is not read meanwhile
	buffer  []byte
}

func (a *passer) watch(fd int32, events uint32) error {
	return syscall.EpollCtl(a.loop, syscall.EPOLL_CTL_ADD, int(fd), &syscall.EpollEvent{Events: events, Fd: fd})
}

func (a *passer) change(fd int32, events uint32) {
	_ = syscall.EpollCtl(a.loop, syscall.EPOLL_CTL_MOD, int(fd), &syscall.EpollEvent{Events: events, Fd: fd})
}

func (a *passer) accept(listener int, upstream syscall.Sockaddr) error {
	client, _, err := syscall.Accept4(listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
	if err != nil {
		if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ECONNABORTED) {
			return nil
		}
		return err
	}
	server, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.Connect(server, upstream)
	}
	if err != nil {
		return err
	}
	for _, fd := range []int{client, server} {
		if err := errors.Join(syscall.SetNonblock(fd, true), syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)); err != nil {
			return err
		}
	}
	a.peers[int32(client)], a.peers[int32(server)] = int32(server), int32(client)
	return errors.Join(a.watch(int32(client), syscall.EPOLLIN), a.watch(int32(server), syscall.EPOLLIN))
}

// ready passes on what a socket has, or writes what waits for it.
func (a *passer) ready(fd int32, events uint32) {
	peer, open := a.peers[fd]
	if !open {
		return
	}
	if rest := a.waiting[fd]; len(rest) > 0 {
		if a.write(fd, rest) && len(a.waiting[fd]) == 0 {
			a.change(fd, syscall.EPOLLIN)
			a.change(peer, syscall.EPOLLIN)
		}
		return
	}
	if events&(syscall.EPOLLIN|syscall.EPOLLHUP|syscall.EPOLLERR) == 0 {
		return
	}
	n, err := syscall.Read(int(fd), a.buffer)
	switch {
	case n > 0:
		if a.write(peer, a.buffer[:n]) && len(a.waiting[peer]) > 0 {
			a.change(peer, syscall.EPOLLOUT)
			a.change(fd, 0)
		}
	case err != syscall.EAGAIN && err != syscall.EINTR:
		a.end(fd, peer)
	}
}

// write writes what it can and keeps the rest. It is false when the connection has ended.
func (a *passer) write(fd int32, bytes []byte) bool {
	for len(bytes) > 0 {
		n, err := syscall.Write(int(fd), bytes)
		switch {
		case n > 0:
			bytes = bytes[n:]
		case err == syscall.EAGAIN:
			a.waiting[fd] = append([]byte(nil), bytes...)
			return true
		case err != syscall.EINTR:
			a.end(fd, a.peers[fd])
			return false
		}
	}
	delete(a.waiting, fd)
	return true
}

func (a *passer) end(fds ...int32) {
	for _, fd := range fds {
		_ = syscall.Close(int(fd))
		delete(a.peers, fd)
		delete(a.waiting, fd)
	}
}

// becomeAnchor runs this process as the anchor, if it was started for that.
func becomeAnchor() {
	if len(os.Args) == 4 && os.Args[1] == "anchor" {
		fmt.Fprintln(os.Stderr, anchor(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
}
