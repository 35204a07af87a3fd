package rewrite

import (
	"bytes"
	"slices"

	"github.com/seguedb/segue/rewrite/prefilter"
)

// resettleUnseen notes that the statement names something that can change the session, for which see
// catalog.SessionChanger.
func (b *binding) resettleUnseen() {
	hit := prefilter.Miss
	switch {
	case b.unsettled.code, b.sess.Changers:
		hit = prefilter.Names // it is not known which names lead to what was made
	case b.unseen != nil:
		hit = b.unseen.Match([]byte(b.sql[b.statement.Start:b.statement.End]), false)
	}
	if hit == prefilter.Miss {
		return
	}
	b.statement.Effect.State = true
	b.moved.path = true
	b.moved.version = b.moved.version || hit == prefilter.Names
}

// MaySetVersion tells whether a text that was not bound may set the session's version, by itself or by a function.
func (b *Binder) MaySetVersion(sql []byte) bool {
	lower := bytes.ToLower(sql)
	return slices.ContainsFunc(versionWords, func(w string) bool { return bytes.Contains(lower, []byte(w)) }) ||
		bytes.Contains(lower, []byte("reset")) && bytes.Contains(lower, []byte("all")) ||
		b.unseen != nil && b.unseen.Match(sql, false) != prefilter.Miss
}

// versionWords are those without which a text does not set segue.version, but for RESET ALL. ROLLBACK takes back what was
// set, of which a text told that is in doubt until it is read again.
var versionWords = []string{"segue", "set_config", "discard"}
