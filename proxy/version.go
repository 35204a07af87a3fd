package proxy

import (
	"fmt"
	"strings"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// versionFor is the version of a session that has not chosen one; "" leaves it unpinned.
func (p *VersionPolicy) versionFor(user, application string) string {
	if p.SchemaVersion != "" {
		return p.SchemaVersion
	}
	for _, m := range p.Match {
		if (m.User == "" || m.User == user) && (m.Application == "" || m.Application == application) {
			return m.Version
		}
	}
	return ""
}

// admitVersion says why a session of that version cannot be served; nil when it can.
func (s *Server) admitVersion(id string) *wire.Error {
	binder := s.epoch.Load().binder
	if id == "" || id == rules.Base || binder == nil {
		return nil
	}
	snap := binder.Snapshot()
	if _, ok := snap.Aliases[id]; ok || snap.Lens(id) != nil {
		return nil
	}
	hint := "Versions that are served: " + strings.Join(snap.Versions(), ", ") + "."
	m := snap.Migration(id)
	if m == nil {
		return withHint(fatal("22023", "schema version %q does not exist", id), hint)
	}
	switch m.Phase {
	case rules.Draft:
		hint = fmt.Sprintf("Run \"segue activate %s\" first. %s", id, hint)
	case rules.Contracted:
		return nil
	}
	return withHint(fatal("57P03", "schema version %q is not served: the migration is %s", id, m.Phase), hint)
}
