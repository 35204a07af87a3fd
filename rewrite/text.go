package rewrite

// Edits are the replacements that made SQL from the client's text, in order and in bytes of the text as UTF-8. The
// caller must not change them.
func (t *Text) Edits() []Edit { return t.edits }
