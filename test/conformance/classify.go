package main

import (
	"regexp"
	"strings"
)

// A class says what kind of difference a statement's output shows, worst first.
type class int

// The classes.
const (
	wrong       class = iota // other rows, labels or counts, or physical names in them
	crashed                  // the connection was lost
	missed                   // an error that PostgreSQL raises is not raised
	failed                   // an error is raised that PostgreSQL does not raise
	leaked                   // physical names in a result that is right otherwise
	planned                  // EXPLAIN shows another plan
	explained                // EXPLAIN shows physical names
	introspects              // \d, catalogs, information_schema, regclass
	worded                   // the same errors and notices in other words
	refused                  // refused by us, which is honest
	follows                  // of an object that an earlier statement with a difference was to make or fill
)

var classNames = map[class]string{
	wrong: "wrong result", crashed: "connection lost", missed: "error not raised", failed: "unexpected error",
	leaked: "physical names", planned: "another plan", explained: "physical names in EXPLAIN", introspects: "introspection", worded: "words of an error", refused: "refused", follows: "follows from another",
}

func (c class) String() string { return classNames[c] }

// A finding is one statement whose output differs.
type finding struct {
	file      string
	class     class
	construct string // of what was refused
	statement string
	want, got string
}

// refusalPattern is how a refusal of the rewriter begins; the construct is what it is about.
var refusalPattern = regexp.MustCompile(`ERROR:  segue cannot rewrite this statement: (.*)`)

// otherRefusals are the rest of what the proxy and the rewriter say of their own accord.
var otherRefusals = regexp.MustCompile(`ERROR:  ((?:this statement is not rewritten|segue |segue:|a statement on a table under migration|several statements in one string|this session has not).*)`)

// findings compares two outputs of a script statement by statement. t holds what earlier files are known to have left
// in another state, and is added to.
func findings(file, script, want, got string, t taint) []finding {
	cs := chunks(script)
	wanted, had := segments(cs, normal(want)), segments(cs, normal(got))
	var out []finding
	for i := range wanted {
		w, g := wanted[i], had[i]
		if w.output == g.output && w.ran == g.ran {
			continue
		}
		f := finding{file: file, statement: w.chunk.text(), want: w.output, got: g.output}
		f.class, f.construct = classify(&w, &g)
		w0 := words(strings.Join(append(w.chunk.statements, w.chunk.text()), " "))
		if f.class != refused && f.class != crashed && t.touches(w0) {
			f.class = follows
		}
		t.add(w.chunk)
		out = append(out, f)
		if f.class == crashed {
			break
		}
	}
	return out
}

// classify says what kind of difference two outputs of a statement show.
func classify(want, got *segment) (class, string) {
	if m := refusalPattern.FindStringSubmatch(got.output); m != nil {
		return refused, m[1]
	}
	if m := otherRefusals.FindStringSubmatch(got.output); m != nil {
		return refused, m[1]
	}
	wantError, gotError := strings.Contains(want.output, "ERROR:"), strings.Contains(got.output, "ERROR:")
	switch {
	case !got.ran, strings.Contains(got.output, "server closed the connection"), strings.Contains(got.output, "FATAL:"):
		return crashed, ""
	case sameBut(isMessage, want.output, got.output) && wantError == gotError:
		return worded, ""
	case isIntrospection(want.chunk) && wantError == gotError:
		return introspects, ""
	case isExplain(want.chunk) && wantError == gotError:
		if nameless(want.output) == nameless(got.output) {
			return explained, ""
		}
		return planned, ""
	case gotError && !wantError:
		return failed, ""
	case wantError && !gotError:
		return missed, ""
	case nameless(want.output) == nameless(got.output):
		return leaked, ""
	}
	return wrong, ""
}

var layout = regexp.MustCompile(`[ -]+|\+\n`)

// nameless is an output without what renaming does to it: the suffix, and the widths that follow from it.
func nameless(output string) string {
	output = layout.ReplaceAllString(strings.ReplaceAll(output, suffix, ""), " ")
	return strings.ReplaceAll(strings.ReplaceAll(output, " \n", "\n"), "\n ", "\n")
}

// messageLine is a line that psql prints of an error or notice.
var messageLine = regexp.MustCompile(`^(ERROR|NOTICE|WARNING|INFO|DETAIL|HINT|CONTEXT|LINE \d+|QUERY):|^ +\^$|^(SQL function|PL/pgSQL function|SQL statement) "`)

func isMessage(line string) bool { return messageLine.MatchString(line) }

// sameBut compares two outputs without the lines for which drop is true.
func sameBut(drop func(string) bool, a, b string) bool {
	rest := func(s string) string {
		var out strings.Builder
		for line := range strings.Lines(s) {
			if !drop(strings.TrimSuffix(line, "\n")) {
				out.WriteString(line)
			}
		}
		return out.String()
	}
	return rest(a) == rest(b)
}

var introspection = regexp.MustCompile(`(?i)^\s*\\(d|sf|sv|l|z)|\bpg_(attribute|class|constraint|index|indexes|attrdef|views|rules|policies|policy|stats|stats_ext|stats_ext_exprs|statistic|trigger|get_[a-z_]+|publication[a-z_]*|depend|describe_object|identify_object[a-z_]*|typeof|matviews|sequences|tables|prepared_statements|cursors|input_error_info|type|proc)\b|information_schema|::\s*reg[a-z]+|event_trigger|pg_partition_tree`)

func isIntrospection(c *chunk) bool { return introspection.MatchString(uncommented(c)) }

func isExplain(c *chunk) bool {
	for _, w := range words(uncommented(c)) {
		if w == "explain" || strings.HasPrefix(w, "explain_") {
			return true
		}
	}
	return false
}

// uncommented is a chunk's text without its comments.
func uncommented(c *chunk) string {
	if len(c.statements) > 0 {
		return strings.Join(c.statements, ";\n")
	}
	return c.text()
}

// taint holds the names of what statements with differences were to make, change or fill.
type taint map[string]bool

func (t taint) touches(w []string) bool {
	for _, x := range w {
		if t[x] {
			return true
		}
	}
	return false
}

// add notes what the statements of a chunk are about.
func (t taint) add(c *chunk) {
	for _, st := range c.statements {
		if name := objectOf(words(st)); name != "" {
			t[name] = true
		}
	}
}

// noise are the words that may stand between a command and the name of its object.
var noise = map[string]bool{
	"or": true, "replace": true, "temp": true, "temporary": true, "unlogged": true, "recursive": true, "table": true, "view": true,
	"materialized": true, "function": true, "procedure": true, "index": true, "unique": true, "concurrently": true, "if": true,
	"not": true, "exists": true, "only": true, "into": true, "trigger": true, "rule": true, "policy": true, "type": true,
	"aggregate": true, "sequence": true, "statistics": true, "publication": true, "foreign": true, "domain": true, "cascade": true,
	"public": true, "binary": true, "constraint": true, "event": true, "schema": true,
}

// objectOf is the name of what a statement makes, changes or fills; "" for a query.
func objectOf(w []string) string {
	if len(w) < 2 {
		return ""
	}
	switch w[0] {
	case "create", "alter", "insert", "update", "delete", "merge", "copy", "truncate", "prepare", "declare", `\copy`, "drop", "refresh":
	case "with", "select":
		for i, x := range w[:len(w)-1] {
			if x == "into" {
				return firstName(w[i+1:])
			}
		}
		return ""
	default:
		return ""
	}
	if w[0] == "delete" && w[1] == "from" {
		w = w[1:]
	}
	return firstName(w[1:])
}

func firstName(w []string) string {
	for _, x := range w {
		if !noise[x] {
			return x
		}
	}
	return ""
}
