package rewrite

import "github.com/seguedb/segue/catalog"

// newUnseen compiles a filter that finds the names of what can change the session without saying so: with Names when it
// may change segue.version too, else with StateWords. It is nil when there is nothing to find.
func newUnseen(changers []catalog.SessionChanger) *prefilter {
	if len(changers) == 0 {
		return nil
	}
	f := &prefilter{buckets: make([][]candidate, 1)}
	for _, c := range changers {
		means := meansState
		if c.Version {
			means = meansName
		}
		f.addName(c.Name, means)
	}
	return f
}

// resettleUnseen notes that the statement names something that can change the session, for which see
// catalog.SessionChanger.
func (b *binding) resettleUnseen() {
	if b.unseen == nil {
		return
	}
	hit := b.unseen.match([]byte(b.sql[b.statement.Start:b.statement.End]), false)
	if hit == Miss {
		return
	}
	b.statement.Effect.State = true
	b.moved.path = true
	b.moved.version = b.moved.version || hit == Names
}
