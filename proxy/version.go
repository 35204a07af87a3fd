package proxy

import (
	"fmt"
	"strings"
	"sync"

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
	if binder == nil {
		return nil
	}
	return s.admitVersionIn(binder.Snapshot(), id)
}

// admitVersionIn is admitVersion for what a snapshot serves.
func (s *Server) admitVersionIn(snap *rules.Snapshot, id string) *wire.Error {
	if why, hint := snap.BaseEnded(id); why != "" {
		return wire.Fatal("57P03", "%s", why).WithHint(hint)
	}
	if id == "" || id == rules.Base {
		return nil
	}
	if _, ok := snap.Aliases[id]; ok || snap.Lens(id) != nil {
		return nil
	}
	hint := "Versions that are served: " + strings.Join(snap.Versions(), ", ") + "."
	m := snap.Migration(id)
	if m == nil {
		if meant := rules.Closest(id, snap.Versions()); meant != "" {
			hint = fmt.Sprintf("Did you mean %q? %s", meant, hint)
		}
		return wire.Fatal("22023", "schema version %q does not exist", id).WithHint(hint)
	}
	switch m.Phase {
	case rules.Draft:
		hint = fmt.Sprintf("Run \"segue activate %s\" first. %s", id, hint)
	case rules.Contracted:
		return nil
	case rules.Active:
		return s.unfinished(id).WithHint("It is served when the columns are complete. " + hint)
	}
	return wire.Fatal("57P03", "schema version %q is not served: the migration is %s", id, m.Phase).WithHint(hint)
}

// unfinished is the answer to sessions of a version of which the columns are not complete yet.
func (s *Server) unfinished(id string) *wire.Error {
	how := ""
	if s.cfg.Progress != nil {
		how = s.cfg.Progress(id)
	}
	if how != "" {
		how = ": " + how
	}
	return wire.Fatal("57P03", "schema version %q is not served yet%s", id, how)
}

// configured are the versions of the policy, each with the flag that it is given by.
func (p *VersionPolicy) configured() map[string]string {
	out := map[string]string{p.SchemaVersion: "--schema-version", p.Default: "--default-version"}
	for _, m := range p.Match {
		out[m.Version] = "--match"
	}
	delete(out, "")
	if out[rules.Base] == "--default-version" { // it is the default without it, and no session says it by that
		delete(out, rules.Base)
	}
	return out
}

// warnings remembers what was said of configured versions, so that each is said once.
type warnings struct {
	mu   sync.Mutex
	said map[string]string // by version
}

// warnOfVersions says in the log which of the configured versions are not served, because the sessions that get them are
// refused, and when they are.
func (s *Server) warnOfVersions() {
	w := &s.warnings
	w.mu.Lock()
	defer w.mu.Unlock()
	for version, flag := range s.cfg.Versions.configured() {
		before, now := w.said[version], ""
		if err := s.admitVersion(version); err != nil {
			now = err.Message
			if now != before {
				s.log.Warn("sessions are refused: "+now, "flag", flag, "hint", err.Hint)
			}
		} else if before != "" {
			s.log.Info("a version that was waited for is served", "version", version, "flag", flag)
		}
		if w.said == nil {
			w.said = make(map[string]string)
		}
		w.said[version] = now
	}
}
