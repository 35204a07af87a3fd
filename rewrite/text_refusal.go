package rewrite

// Refused is why a statement of the text is refused because it is not understood; nil when none is. A statement that fails
// because its version has no such name is understood.
func (t *Text) Refused() *Error {
	for i := range t.Statements {
		if f := t.Statements[i].Failure; f != nil && f.Code == codeRefused {
			return f
		}
	}
	return nil
}
