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
	bodied                   // code on the server that was stored or handed over as text names columns
	planned                  // EXPLAIN shows another plan
	explained                // EXPLAIN shows physical names
	introspects              // \d, catalogs, information_schema, regclass
	worded                   // the same errors and notices in other words
	refused                  // refused by us, though not at the same place in the other run
)

var classNames = map[class]string{
	wrong: "wrong result", crashed: "connection lost", missed: "error not raised", failed: "unexpected error",
	leaked: "physical names", planned: "another plan", bodied: "names in text for the server", explained: "physical names in EXPLAIN", introspects: "introspection", worded: "words of an error", refused: "refused",
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

// findings compares two outputs of a script statement by statement.
func findings(file, script, want, got string) []finding {
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
	case fromText.MatchString(got.output) && !fromText.MatchString(want.output):
		return bodied, ""
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

// fromText tells an error of a name in code on the server: a function's body, or what it was handed.
var fromText = regexp.MustCompile(`(?s)ERROR:  (column|relation|record|type) .*(does not exist|has no field).*(QUERY:|CONTEXT:  (SQL function|PL/pgSQL function|SQL statement))`)

var (
	layout  = regexp.MustCompile(`[ -]+|\+\n`)
	aliased = regexp.MustCompile(`(\w+)` + suffix + ` (\w+)`) // a renamed table in a plan, with its alias
)

// nameless is an output without what renaming does to it: the suffix, and the widths that follow from it.
func nameless(output string) string {
	output = aliased.ReplaceAllStringFunc(output, func(s string) string {
		if m := aliased.FindStringSubmatch(s); m[1] == m[2] {
			return m[1]
		}
		return s
	})
	return squeezed(strings.ReplaceAll(output, suffix, ""))
}

// squeezed is an output without the widths of its columns.
func squeezed(output string) string {
	output = layout.ReplaceAllString(output, " ")
	return strings.ReplaceAll(strings.ReplaceAll(output, " \n", "\n"), "\n ", "\n")
}

// messageLine is a line that psql prints of an error or notice.
var messageLine = regexp.MustCompile(`^(ERROR|NOTICE|WARNING|INFO|DETAIL|HINT|CONTEXT|LINE \d+|QUERY):|^ +\^$|^(drop cascades to|owner of|privileges for|\w+( \S+)* depends on) |^(SQL function|PL/pgSQL function|SQL statement) "`)

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
