package proxy

// keepsNames tells whether what was found at the Parse of a prepared statement about names that are free is used when it is
// executed. CREATE INDEX CONCURRENTLY must be the first command of its group of messages (PreventInTransactionBlock in
// xact.c), and a question in the group would be that. Nor can an earlier command of the group have taken the name.
func (s *session) keepsNames(sql []byte) bool {
	if !s.state.naming {
		return false
	}
	s.queue.mu.Lock()
	quiet := s.queue.quiet()
	s.queue.mu.Unlock()
	return !quiet && buildsConcurrently(sql)
}
