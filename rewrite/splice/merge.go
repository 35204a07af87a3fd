package splice

import "github.com/seguedb/segue/rewrite/syntax"

// Widen extends edits within a string over their neighbours, so that nothing is put between the two: what is next to
// each other there has been separated already, and a space is one more character of the string.
func Widen(sql string, edits []Edit) []Edit {
	edits = merged(edits)
	for i := range edits {
		e := &edits[i]
		from, to := 0, len(sql)
		if i > 0 {
			from = edits[i-1].End
		}
		if i+1 < len(edits) {
			to = edits[i+1].Start
		}
		for e.Start > from && e.New != "" && syntax.IsIdentPart(sql[e.Start-1]) && syntax.IsIdentPart(e.New[0]) {
			e.Start--
			e.New = sql[e.Start:e.Start+1] + e.New
		}
		for e.End < to && e.New != "" && syntax.IsIdentPart(e.New[len(e.New)-1]) && joins(sql[e.End]) {
			e.New += sql[e.End : e.End+1]
			e.End++
		}
	}
	return merged(edits)
}

// merged makes one edit of those that touch.
func merged(edits []Edit) []Edit {
	var out []Edit
	for _, e := range edits {
		last := len(out) - 1
		if last < 0 || e.Start > out[last].End {
			out = append(out, e)
			continue
		}
		out[last].New += e.New
		out[last].End = e.End
	}
	return out
}

// joins tells whether a byte makes one token with a name before it.
func joins(c byte) bool { return syntax.IsIdentPart(c) || c == '\'' || c == '"' || c == '&' }
