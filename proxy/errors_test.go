package proxy

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

func TestErrorsOfSegueSayWhereTheyComeFrom(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(family, renamedFamily)
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, personRules)))
	c := p.login(wire.Parameter{Name: "segue.version", Value: rules.Base})
	for sql, routine := range map[string]string{
		"SELECT surname FROM individual":  "columnMissing",
		"DROP TABLE individual":           "",
		"SELECT last_name FROM nobody, x": "",
	} {
		c.Say(simple(sql))
		e := c.HearError()
		c.Hear(wire.ReadyForQuery)
		switch {
		case e.Severity != "ERROR", e.Code == "", e.File == "", e.Line == 0, e.Routine == "":
			t.Errorf("%s fails with %+v", sql, e)
		case routine != "" && (e.Routine != routine || !strings.HasSuffix(e.File, ".go")):
			t.Errorf("%s fails in %s of %s, want %s", sql, e.Routine, e.File, routine)
		}
	}
	refused := &wire.Error{}
	if err := wire.Fatal("57P03", "no %s", "session"); err.File != "errors_test.go" || err.Routine != "TestErrorsOfSegueSayWhereTheyComeFrom" {
		t.Errorf("%+v", err)
	} else if raise(refused); refused.Line <= err.Line {
		t.Errorf("line %d is not behind line %d", refused.Line, err.Line)
	}
}
