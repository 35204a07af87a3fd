package main

import "strings"

// A chunk is a part of a psql script after which psql has nothing left over: a statement or several on one line, a
// backslash command, or comments before either. The data of COPY … FROM stdin belong to its chunk.
type chunk struct {
	lines      []string // without their line ends, COPY data excluded
	data       []string // the lines that a COPY reads, `\.` included
	statements []string // its SQL statements without comments
}

// text is the chunk as the script has it, without the data.
func (c *chunk) text() string { return strings.Join(c.lines, "\n") }

// chunks cuts a script as psql's main loop does (mainloop.c, psqlscan.l).
func chunks(script string) []chunk {
	var out []chunk
	var s scanner
	var c chunk
	lines := strings.Split(strings.TrimSuffix(script, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		c.lines = append(c.lines, lines[i])
		s.line(lines[i])
		if !s.neutral() {
			continue
		}
		c.statements, s.statements = s.statements, nil
		for range countCopyIn(c.statements) {
			if goesOn(lines[i+1:]) {
				break
			}
			for i++; i < len(lines); i++ {
				c.data = append(c.data, lines[i])
				if strings.TrimRight(lines[i], "\r") == `\.` {
					break
				}
			}
		}
		out = append(out, c)
		c = chunk{}
	}
	if len(c.lines) > 0 {
		c.statements = s.statements
		out = append(out, c)
	}
	return out
}

// goesOn tells whether what follows a COPY from stdin is no data but the script: psql reads none when the server rejects
// the statement. Then the first line with anything in it is a comment or a whole statement.
func goesOn(lines []string) bool {
	for _, l := range lines {
		l = strings.TrimSpace(l)
		if l == "" {
			continue
		}
		before, _, commented := strings.Cut(l, "--")
		if before = strings.TrimSpace(before); before == "" {
			return commented
		}
		return strings.HasSuffix(before, ";") && isCommand[words(before + " ;")[0]]
	}
	return false
}

// isCommand are the words with which the statements begin that follow a COPY which fails.
var isCommand = map[string]bool{"alter": true, "begin": true, "commit": true, "copy": true, "create": true, "delete": true, "drop": true,
	"insert": true, "reset": true, "rollback": true, "select": true, "set": true, "truncate": true, "update": true}

// countCopyIn counts the statements that read data from the script.
func countCopyIn(statements []string) int {
	n := 0
	for _, st := range statements {
		w := words(st)
		if len(w) == 0 || w[0] != "copy" && w[0] != `\copy` {
			continue
		}
		for i := range w[:len(w)-1] {
			if w[i] == "from" && (w[i+1] == "stdin" || w[i+1] == "pstdin") {
				n++
				break
			}
		}
	}
	return n
}

// words are the words of a statement in lower case, cut at whatever cannot be in an identifier.
func words(statement string) []string {
	return strings.FieldsFunc(strings.ToLower(statement), func(c rune) bool {
		return c < 0x80 && c != '_' && c != '\\' && (c < '0' || c > '9') && (c < 'a' || c > 'z')
	})
}

// A scanner keeps psql's state between lines.
type scanner struct {
	statements []string
	statement  strings.Builder // what psql has not sent yet, comments left out
	quote      string          // what ends the quoted part that is open; "" when none is
	escapes    bool            // a backslash escapes in it
	comment    int             // depth of block comments
	parens     int
	begins     int // depth of BEGIN ATOMIC and CASE in a routine's body
}

// neutral tells whether nothing is open at the end of a line.
func (s *scanner) neutral() bool {
	return s.quote == "" && s.comment == 0 && strings.TrimSpace(s.statement.String()) == ""
}

// line reads one line.
func (s *scanner) line(l string) {
	for i := 0; i < len(l); {
		switch rest := l[i:]; {
		case s.comment > 0:
			i += s.inComment(rest)
		case s.quote != "":
			i += s.inQuote(rest)
		case strings.HasPrefix(rest, "--"):
			i = len(l)
		case strings.HasPrefix(rest, "/*"):
			s.comment++
			i += 2
		case rest[0] == '\\':
			i += s.backslash(rest)
		case rest[0] == ';' && s.parens == 0 && s.begins == 0:
			s.end()
			i++
		default:
			i += s.plain(rest, i > 0 && isWord(l[i-1]))
		}
	}
	s.statement.WriteByte('\n')
}

func (s *scanner) inComment(rest string) int {
	switch {
	case strings.HasPrefix(rest, "/*"):
		s.comment++
		return 2
	case strings.HasPrefix(rest, "*/"):
		s.comment--
		return 2
	}
	return 1
}

func (s *scanner) inQuote(rest string) int {
	n := 1
	switch {
	case s.escapes && rest[0] == '\\' && len(rest) > 1:
		n = 2
	case strings.HasPrefix(rest, s.quote):
		n = len(s.quote)
		if n == 1 && len(rest) > 1 && rest[1] == rest[0] {
			n = 2 // doubled
			break
		}
		s.quote, s.escapes = "", false
	}
	s.statement.WriteString(rest[:n])
	return n
}

// backslash reads a backslash command, up to the end of the line or the next one.
func (s *scanner) backslash(rest string) int {
	if strings.HasPrefix(rest, `\;`) {
		s.statement.WriteString(";")
		return 2
	}
	name := rest[1:]
	if end := strings.IndexAny(name, " \t\\"); end > 0 {
		name = name[:end]
	}
	switch name {
	case "g", "gx", "gset", "gexec", "gdesc", "crosstabview", "watch":
		s.end()
	case "r", "reset":
		s.statement.Reset()
		s.parens, s.begins = 0, 0
	case "copy":
		s.statements = append(s.statements, rest)
	}
	return len(rest)
}

// plain reads a word, an opening quote or any other byte.
func (s *scanner) plain(rest string, inWord bool) int {
	n := 1
	switch c := rest[0]; {
	case isWord(c):
		for n < len(rest) && (isWord(rest[n]) || rest[n] == '$') {
			n++
		}
		s.word(strings.ToLower(rest[:n]))
		if n < len(rest) && n == 1 && rest[1] == '\'' && (c == 'e' || c == 'E') {
			s.escapes, s.quote = true, "'"
			n = 2
		}
	case c == '\'' || c == '"':
		s.quote = rest[:1]
	case c == '$' && !inWord:
		if tag := dollarTag(rest); tag != "" {
			s.quote, n = tag, len(tag)
		}
	case c == '(':
		s.parens++
	case c == ')':
		s.parens = max(0, s.parens-1)
	}
	s.statement.WriteString(rest[:n])
	return n
}

// word follows the bodies that are written between BEGIN ATOMIC and END.
func (s *scanner) word(w string) {
	switch w {
	case "begin":
		if s.begins > 0 || makesRoutine(words(s.statement.String())) {
			s.begins++
		}
	case "case":
		if s.begins > 0 {
			s.begins++
		}
	case "end":
		s.begins = max(0, s.begins-1)
	}
}

func makesRoutine(w []string) bool {
	if len(w) > 3 && w[0] == "create" && w[1] == "or" && w[2] == "replace" {
		w = append([]string{"create"}, w[3:]...)
	}
	return len(w) > 1 && w[0] == "create" && (w[1] == "function" || w[1] == "procedure")
}

// end sends the statement.
func (s *scanner) end() {
	if st := strings.TrimSpace(s.statement.String()); st != "" {
		s.statements = append(s.statements, st)
	}
	s.statement.Reset()
	s.parens, s.begins = 0, 0
}

// dollarTag is the $tag$ that rest begins with, or "".
func dollarTag(rest string) string {
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '$':
			return rest[:i+1]
		case !isWord(c) || i == 1 && c >= '0' && c <= '9':
			return ""
		}
	}
	return ""
}

func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
}
