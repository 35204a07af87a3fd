package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// steps is how scripts reach the harness: they write a line into one named pipe, and read the answer from another. The
// shell does both without starting a program, so a step costs little.
type steps struct {
	ask, done string
	questions *os.File
	answers   *os.File
}

// openSteps makes the pipes in a folder.
func openSteps(dir string) (*steps, error) {
	s := &steps{ask: filepath.Join(dir, "ask"), done: filepath.Join(dir, "done")}
	for _, p := range []string{s.ask, s.done} {
		if err := syscall.Mkfifo(p, 0o666); err != nil {
			return nil, fmt.Errorf("mkfifo %s: %w", p, err)
		}
		if err := os.Chmod(p, 0o666); err != nil { // whatever the umask is
			return nil, err
		}
	}
	var err error
	// Open at both ends, so that scripts coming and going are not seen.
	if s.questions, err = os.OpenFile(s.ask, os.O_RDWR, 0); err != nil {
		return nil, err
	}
	if s.answers, err = os.OpenFile(s.done, os.O_RDWR, 0); err != nil {
		s.questions.Close()
		return nil, err
	}
	return s, nil
}

// environment is what a script's shell needs.
func (s *steps) environment() string {
	return fmt.Sprintf("SEGUE_STEP=echo $step > %s; read answer < %s", s.ask, s.done)
}

// serve calls take for each step, until close or the end of ctx.
func (s *steps) serve(ctx context.Context, take func(context.Context, string)) {
	stop := context.AfterFunc(ctx, func() { s.close() })
	defer stop()
	in := bufio.NewScanner(s.questions)
	for in.Scan() {
		take(ctx, strings.TrimSpace(in.Text()))
		if _, err := s.answers.WriteString("ok\n"); err != nil {
			return
		}
	}
}

func (s *steps) close() {
	s.questions.Close()
	s.answers.Close()
}
