package rewrite

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// within puts a body into so many blocks that execute each other.
func within(body string, levels int) string {
	for i := range levels {
		body = fmt.Sprintf("BEGIN EXECUTE $e%d$ DO $d%d$ %s $d%d$ $e%d$; END", i, i, body, i, i)
	}
	return "DO $x$ " + body + " $x$"
}

func TestTextsWithinTextsAreBoundSoDeep(t *testing.T) { // alone: it counts what is allocated
	s := &Session{Version: "person", SearchPath: []string{"pg_catalog", "public"}, StandardStrings: true}
	bind := func(sql string) *Text {
		text, err := NewBinder(renamedTable(), Options{}).Rewrite(s, sql)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if text := bind("DO $x$ BEGIN EXECUTE $q$ SELECT surname FROM person $q$; END $x$"); !strings.Contains(text.SQL, "last_name") {
		t.Errorf("a query within a block is sent as %s", text.SQL)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	text := bind(within("BEGIN PERFORM surname FROM person; END", 2000))
	runtime.ReadMemStats(&after)
	if text.Statements[0].Failure == nil {
		t.Error("2,000 levels are bound")
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<30 { // 8 GB when all levels were bound
		t.Errorf("2,000 levels in %d bytes take %d bytes of memory", len(text.Client), taken)
	}
}
