package migrate

import "github.com/seguedb/segue/rewrite/syntax"

// shown is another session's statement as it may be stored and shown: whoever may read the history or the dashboard need
// not be allowed to read values, and passwords are among them. What cannot be read for certain is not shown.
func shown(query string) string {
	if query == "" {
		return ""
	}
	if s := syntax.WithoutLiterals(query); s != "" {
		return s
	}
	return "(not shown: its values cannot be told apart)"
}
