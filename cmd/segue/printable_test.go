package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/migrate"
)

func TestNamesOfOthersDoNotCommandTheTerminal(t *testing.T) {
	t.Parallel()
	const evil = "\x1b[2J\x1b]0;x\a\u202eapp\u009b\r\nFAKE\tROW"
	var out bytes.Buffer
	all := admin.Sessions{Sessions: []migrate.SessionInfo{{PID: 1, User: evil, Application: evil}}}
	if err := (&options{out: &out}).emit(all, func(w io.Writer) { writeSessions(w, all) }); err != nil {
		t.Fatal(err)
	}
	report(&out, "text", errors.New(strings.TrimSuffix(evil, "\r\nFAKE\tROW")))
	if hidden := strings.Trim(out.String(), "\n"); strings.ContainsAny(hidden, "\x1b\a\u202e\u009b\r\t") || strings.Count(hidden, "\n") != 2 {
		t.Errorf("it prints %q", hidden)
	}
}

func TestWhatIsPrintedStaysAsItIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Größe 個人 'x'\n\ty": "Größe 個人 'x'\n\ty", "a\x00b\x7f": `a\x00b\x7f`, "\u202e\u2066": `\u202e\u2066`, "\r": `\r`, "\u009b": `\u009b`,
	} {
		var out strings.Builder
		if _, err := (printable{&out}).Write([]byte(text)); err != nil || out.String() != want {
			t.Errorf("%q is printed as %q, want %q", text, out.String(), want)
		}
	}
}
