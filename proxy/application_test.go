package proxy

import (
	"slices"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/proxy/wire"
)

// A session's application_name is what the server takes it for, from the first statement on. A client may send any number of
// bytes, which would be kept and reported for each of its sessions.
func TestASessionHasTheApplicationNameThatTheServerSays(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	signs := "a?[31m?b"
	if pgtest.Cluster().Major >= 16 { // pg_clean_ascii (string.c) shows what the sign was
		signs = `a\x1b[31m\x0ab`
	}
	for name, c := range map[string]struct {
		given wire.Parameter
		want  string
	}{
		"longer than a name":       {wire.Parameter{Name: "application_name", Value: strings.Repeat("x", 5000)}, strings.Repeat("x", 63)},
		"with signs of a terminal": {wire.Parameter{Name: "application_name", Value: "a\x1b[31m\nb"}, signs},
		"in the options":           {wire.Parameter{Name: "options", Value: "-c application_name=web"}, "web"},
	} {
		p.login(c.given)
		infos := p.Sessions()
		if !slices.ContainsFunc(infos, func(s migrate.SessionInfo) bool { return s.Application == c.want }) {
			t.Errorf("%s: no session has the name %q: %+v", name, c.want, infos)
		}
	}
}
