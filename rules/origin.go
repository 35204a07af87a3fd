package rules

// An origin remembers where in its file each part of a migration was said.
type origin struct {
	file  string
	lines map[string]int // by key path, such as operations[0].rename_column.from
}

// File is the name of the rule file as it was given; empty when it is not known.
func (m *Migration) File() string {
	if m.origin == nil {
		return ""
	}
	return m.origin.file
}

// line is where the key was said; 0 when it is not known.
func (m *Migration) line(key string) int {
	if m.origin == nil {
		return 0
	}
	return m.origin.lines[key]
}
