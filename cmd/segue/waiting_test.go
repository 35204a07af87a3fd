package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/migrate"
)

func TestATransitionIsSaidToWaitOnlyWithAReason(t *testing.T) {
	var out bytes.Buffer
	w := newWaiting(&out, "surname")
	st := &migrate.Status{ID: "surname", Pending: &migrate.Pending{Kind: migrate.Cutover, Attempts: 1, LastError: "a lock is held"}}
	w.tell(st, time.Now())
	if !strings.Contains(out.String(), "cutover of surname waits (attempt 1): a lock is held. ") {
		t.Errorf("with a reason it says %q", out.String())
	}
	out.Reset()
	st.Pending.LastError = "" // as it is between the commit and the news of it
	w.tell(st, time.Now())
	if out.Len() > 0 {
		t.Errorf("without a reason it says %q", out.String())
	}
}

func TestOperationsThatAreLongAreToldInShort(t *testing.T) {
	long := migrate.OperationView{Kind: "change_columns", Table: "public.orders", From: strings.Repeat("a", 40), To: strings.Repeat("b", 40)}
	short := migrate.OperationView{Kind: "rename_column", Table: "public.orders", From: "a", To: "b"}
	for want, ops := range map[string][]migrate.OperationView{
		"rename column public.orders: a → b": {short},
		"change columns public.orders":       {long},
		"2 operations":                       {long, short},
	} {
		if got := operations(ops); got != want {
			t.Errorf("%d are told as %q, want %q", len(ops), got, want)
		}
	}
}
