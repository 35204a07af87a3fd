package rewrite

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

func TestPositionsMapAcrossEditsBothWays(t *testing.T) {
	t.Parallel()
	const client = "SELECT é, surname, z FROM person"
	edits := []splice.Edit{
		{Start: strings.Index(client, "surname"), End: strings.Index(client, ", z"), New: "last_name"},
		{Start: strings.Index(client, ", z"), End: strings.Index(client, ", z"), New: " AS surname"},
		{Start: strings.Index(client, "person"), End: len(client), New: "individual"},
	}
	sent := splice.Apply(client, edits)
	if want := "SELECT é, last_name AS surname, z FROM individual"; sent != want {
		t.Fatalf("sent = %q", sent)
	}
	text := &Text{SQL: sent, Client: client, Changed: true, edits: edits}
	for name, tc := range map[string]struct{ inSent, inClient string }{
		"before every edit":       {"é", "é"},
		"at a replacement":        {"last_name", "surname"},
		"inside a replacement":    {"t_name", "surname"},
		"in an insertion":         {"AS", ", z"},
		"between edits":           {"z FROM", "z FROM"},
		"at the last replacement": {"individual", "person"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			position := syntax.CharPosition(sent, strings.Index(sent, tc.inSent))
			want := syntax.CharPosition(client, strings.Index(client, tc.inClient))
			if got := text.ClientPosition(position); got != want {
				t.Errorf("ClientPosition(%d) = %d, want %d", position, got, want)
			}
		})
	}
	t.Run("a place that no edit touches maps there and back", func(t *testing.T) {
		t.Parallel()
		for _, word := range []string{"SELECT", "é", "z", "FROM"} {
			there := splice.ToSent(edits, strings.Index(client, word), false)
			if there != strings.Index(sent, word) || splice.ToClient(edits, there) != strings.Index(client, word) {
				t.Errorf("%s maps to %d", word, there)
			}
		}
	})
	t.Run("the end of the text maps to the end", func(t *testing.T) {
		t.Parallel()
		if got := splice.ToSent(edits, len(client), true); got != len(sent) {
			t.Errorf("toSent of the end = %d, want %d", got, len(sent))
		}
		if got := splice.ToClient(edits, len(sent)); got != len(client) {
			t.Errorf("toClient of the end = %d, want %d", got, len(client))
		}
	})
	t.Run("no position stays none", func(t *testing.T) {
		t.Parallel()
		if got := text.ClientPosition(0); got != 0 {
			t.Errorf("ClientPosition(0) = %d", got)
		}
	})
}
