package proxy

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

func TestTheLogTellsOfConfiguredVersionsThatAreNotServed(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	p := openProxy(t, func(c *Config) {
		c.Log = hclog.New(&hclog.LoggerOptions{Output: &log})
		c.Versions = VersionPolicy{SchemaVersion: "surnmae", Match: []VersionMatch{{User: "x", Version: "surname"}}}
	})
	p.run(people)
	said := func() string { s := log.String(); log.Reset(); return s }
	m := surnameActive(t)
	m.Phase = rules.Draft
	p.Open(p.snapshot(1, m))
	if got := said(); !strings.Contains(got, `"surnmae" does not exist`) || !strings.Contains(got, "--schema-version") ||
		!strings.Contains(got, `"surname" is not served: the migration is draft`) || !strings.Contains(got, "segue activate surname") {
		t.Errorf("at the start it says: %s", got)
	}
	p.Open(p.snapshot(2, m))
	if got := said(); got != "" {
		t.Errorf("it says again: %s", got)
	}
	m = surnameActive(t)
	p.Open(p.snapshot(3, m))
	if got := said(); !strings.Contains(got, "version=surname") || strings.Contains(got, "surnmae") {
		t.Errorf("after activate it says: %s", got)
	}
	c := wiretest.Dial(t, p.addr)
	c.Hello(p.database)
	if e := c.HearFatal(); !strings.Contains(e.Hint, `Did you mean "surname"?`) {
		t.Errorf("a client is told %+v", e)
	}
}
