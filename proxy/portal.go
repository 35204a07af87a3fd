package proxy

import "github.com/seguedb/segue/rewrite"

// A portal is what is known of a portal: the zero value stands for one that does not matter.
type portal struct {
	text     *rewrite.Text
	stateful bool // executing it may change what later texts mean
	sets     bool // and segue.version
	settles  bool // it changes settings only
	makes    *[]rewrite.Made
	runs     bool     // and run code that may make something unseen
	sql      *changes // what executing it does to what is prepared; nil: nothing
	back     *backTo  // set if it is ROLLBACK TO
	bound    moment   // when its Bind was sent
}

// A moment is one at which a message was sent.
type moment struct {
	ready    uint64 // number of the ReadyForQuery that ends its group
	failures uint64 // the queue's
}

// moment is now.
func (q *queue) moment() moment {
	q.mu.Lock()
	defer q.mu.Unlock()
	return moment{q.readyDue(), q.failures}
}

// described is the text of a portal, if it is sure that it is the one: its Bind may have been skipped.
func (s *session) described(name []byte) *rewrite.Text {
	p := s.portal(name)
	if p.text == nil {
		return nil
	}
	q := &s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.bound.ready != q.readyDue() && (p.bound.ready > q.readies || p.bound.failures != q.failures) {
		return nil
	}
	return p.text
}

// maxPortals bounds the named portals that are known; one that is not known costs its errors the version's names.
const maxPortals = 4096

func (s *session) portal(name []byte) portal {
	if len(name) == 0 {
		return s.unnamed
	}
	return s.portals[string(name)]
}

func (s *session) setPortal(name []byte, p portal) {
	switch {
	case len(name) == 0:
		s.unnamed = p
	case p == portal{}:
		delete(s.portals, string(name))
	default:
		if s.portals == nil || len(s.portals) >= maxPortals {
			s.portals = make(map[string]portal)
		}
		s.portals[string(name)] = p
	}
}
