package rewrite

import (
	"fmt"
	"strings"
	"testing"
)

func TestEachEditOfAStringBelongsToItsStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "old")
	var client, want strings.Builder
	for i := range 300 {
		switch i % 3 {
		case 0:
			client.WriteString("SELECT last_name FROM individual;")
			want.WriteString("SELECT surname AS last_name FROM public.person AS individual;")
		case 1:
			client.WriteString("SELECT last_name, i.surname FROM individual i;") // which it has not
			fmt.Fprintf(&want, `SELECT "segue: statement refused %d";`, i+1)
		case 2:
			client.WriteString(" UPDATE individual SET last_name = 'é' RETURNING last_name ;")
			want.WriteString(" UPDATE public.person AS individual SET surname = 'é' RETURNING surname AS last_name ;")
		}
	}
	text := w.rewrite(t, client.String())
	if text.SQL != want.String() {
		t.Errorf("sent is %.400s…", text.SQL)
	}
	for i, st := range text.Statements {
		if got, next := text.SQL[st.Start:st.End], text.SQL[st.End:]; strings.Contains(got, ";") || strings.TrimLeft(next, " ")[0] != ';' {
			t.Fatalf("statement %d is %q", i, got)
		}
	}
}
