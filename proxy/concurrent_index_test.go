package proxy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/proxy/wire"
)

// TestAnIndexIsBuiltConcurrentlyByTheProtocol has indexes made that get their name from the server, by a command that must
// be alone in its group of messages.
func TestAnIndexIsBuiltConcurrentlyByTheProtocol(t *testing.T) {
	t.Parallel()
	const index = "CREATE INDEX CONCURRENTLY ON individual (last_name)"
	run := func(sql string) step {
		return step{messages(parse("", sql), bind("", ""), describePortal(""), execute(""), syncMsg()), "Z"}
	}
	listed := step{simple(madeIndexes), "Z"}
	for name, s := range map[string]script{
		"first of all":            {run(index)},
		"later":                   {{simple("SELECT last_name FROM individual ORDER BY id"), "Z"}, run(index)},
		"twice":                   {run(index), run(index)},
		"unique":                  {run("/* a */ create -- b\n Unique/**/Index concurrently On individual(last_name)")},
		"described":               {{messages(parse("", index), wire.AppendDescribe(nil, wire.StatementOf, ""), bind("", ""), execute(""), syncMsg()), "Z"}},
		"under a name":            {{messages(parse("s", index), bind("", "s"), execute(""), syncMsg()), "Z"}},
		"under a name, and again": {{messages(parse("s", index), syncMsg(), bind("", "s"), execute(""), syncMsg()), "ZZ"}, {messages(bind("", "s"), execute(""), syncMsg()), "Z"}},
		"with a Flush":            {{messages(parse("", index), flush()), "1"}, {messages(bind("", ""), execute(""), syncMsg()), "Z"}},
		"behind another command":  {{messages(parse("", "SELECT 1"), bind("", ""), execute(""), parse("", index), bind("", ""), execute(""), syncMsg()), "Z"}},
		"another index behind it": {run(index), run("CREATE INDEX ON individual (last_name)")},
		"in a block":              {{simple("BEGIN"), "Z"}, run(index), {simple("ROLLBACK"), "Z"}},
		"given a name":            {run("CREATE INDEX CONCURRENTLY made ON individual (last_name)"), run("DROP INDEX CONCURRENTLY made")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := append(s, listed)
			if diff := cmp.Diff(s.directly(t, people), s.renamed(t, people)); diff != "" {
				t.Errorf("the client sees (-directly +through the proxy):\n%s", diff)
			}
		})
	}
}
