package test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// names are those of the table and its column.
type names struct{ table, column string }

// fill puts them where a template has {T} and {C}.
func (n names) fill(template string) string {
	return strings.NewReplacer("{T}", n.table, "{C}", n.column).Replace(template)
}

// A plan is what a client does in one session, and when the phase changes meanwhile.
type plan struct {
	start     rules.Phase
	pipelines []pipeline
}

// A pipeline is messages that are sent before the first answer is read.
type pipeline struct {
	messages []message
	groups   int  // how many of them end a group, and so get a ReadyForQuery
	change   bool // the phase changes
	cut      int  // before this message
	pick     int  // chooses the next phase
}

type message struct {
	words string
	bytes []byte
}

// ending leaves no transaction open.
var ending = pipeline{messages: []message{query("ROLLBACK")}, groups: 1}

func (p pipeline) bytes(from, to int) []byte {
	var b []byte
	for _, m := range p.messages[from:to] {
		b = append(b, m.bytes...)
	}
	return b
}

func query(sql string) message {
	return message{fmt.Sprintf("Query %q", sql), wire.AppendQuery(nil, sql)}
}

var syncMessage = message{"Sync", wire.AppendSync(nil)}

// A preparedText is what is prepared, with the number of parameters that it takes.
type preparedText struct {
	sql    string
	params int
}

var rowsAsJSON = []preparedText{
	{"SELECT to_jsonb(x) FROM {T} x WHERE id < $1", 1},
	{"SELECT row_to_json(x) FROM {T} x ORDER BY id", 0},
	{"WITH w AS (UPDATE {T} SET {C} = $1 WHERE id = 1 RETURNING *) SELECT to_json(w), $1::text FROM w", 1},
}

var preparedTexts = []preparedText{
	{"SELECT id, {C} FROM {T} WHERE id = $1", 1},
	{"SELECT * FROM {T} ORDER BY id", 0},
	{"UPDATE {T} SET {C} = $1 WHERE id = 2 RETURNING *", 1},
	{"INSERT INTO {T} (id, first_name, {C}) VALUES (3, 'n', $1) ON CONFLICT (id) DO UPDATE SET {C} = excluded.{C} RETURNING {C}", 1},
	{"SELECT {C} || '\u00e9' AS accented, length('\u00e9') FROM {T} ORDER BY id", 0},
	{"SELECT {C}, '\xe9' FROM {T} ORDER BY id", 0},
	{"SELECT 'other'::text AS other", 0},
	{"SELECT $1::text AS echoed, length('\u00e9\\n')", 1},
	{"DELETE FROM {T} WHERE id = 99", 0},
	{"SELECT nope FROM {T}", 0},
	{"SELECT 1 / $1::int - 0 * (SELECT count(*) FROM {T})::int", 1},
	{"SELEC", 0},
}

// sessionStatements are what else a client says.
var sessionStatements = []string{
	"BEGIN", "BEGIN", "COMMIT", "ROLLBACK", "BEGIN ISOLATION LEVEL REPEATABLE READ", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
	"SAVEPOINT s", "ROLLBACK TO s", "RELEASE s", "SELECT 1/0", "SELECT 1", "LOCK TABLE {T} IN SHARE MODE",
	"SET client_encoding TO LATIN1", "SET client_encoding TO UTF8", "SET LOCAL client_encoding TO LATIN1", "RESET client_encoding",
	"SET standard_conforming_strings TO off", "SET standard_conforming_strings TO on", "SET LOCAL search_path TO public", "SET search_path TO pg_catalog, public",
	"SELECT {C} FROM {T} ORDER BY id", "UPDATE {T} SET {C} = {C} || '.' WHERE id = 1", "SELECT to_jsonb(x) FROM {T} x ORDER BY id",
	"DEALLOCATE ALL", "DISCARD ALL", "DISCARD PLANS", "DISCARD TEMP", "CLOSE ALL",
	"DO $$BEGIN EXECUTE 'DEALLOCATE ALL'; END$$", "DO $$BEGIN EXECUTE 'PREPARE a AS SELECT 7'; END$$", "DO $$BEGIN PERFORM 1; END$$",
	"SELECT name, from_sql, parameter_types::text FROM pg_prepared_statements ORDER BY name",
}

// A draw is what pipelines are made of.
type draw struct {
	names
	texts []preparedText
	hows  []string // before EXECUTE
}

// drawPlan draws what a client does.
func drawPlan(t *rapid.T, n names, version string) plan {
	phases := []rules.Phase{rules.Active, rules.Cutover}
	if version == rules.Base {
		phases = append(phases, rules.RolledBack)
	}
	p := plan{start: rapid.SampledFrom(phases).Draw(t, "start")}
	d := draw{names: n, texts: preparedTexts, hows: []string{"", "", "", "EXPLAIN (COSTS OFF) ", "CREATE TEMP TABLE made AS "}}
	if rapid.Bool().Draw(t, "rows as JSON") { // of which a plan shows how they are made
		d.texts, d.hows = append(slices.Clip(d.texts), rowsAsJSON...), slices.DeleteFunc(d.hows, func(how string) bool { return strings.HasPrefix(how, "EXPLAIN") })
	}
	for range rapid.IntRange(2, 8).Draw(t, "pipelines") {
		p.pipelines = append(p.pipelines, d.pipeline(t))
	}
	return p
}

func (d *draw) pipeline(t *rapid.T) pipeline {
	var p pipeline
	p.groups = rapid.SampledFrom([]int{1, 1, 1, 2, 3, 5}).Draw(t, "groups")
	for range p.groups {
		if rapid.IntRange(0, 9).Draw(t, "protocol") < 4 {
			p.messages = append(p.messages, query(d.string(t)))
			continue
		}
		for range rapid.IntRange(1, 5).Draw(t, "messages") {
			p.messages = append(p.messages, d.messages(t)...)
		}
		p.messages = append(p.messages, syncMessage)
	}
	if p.change = rapid.IntRange(0, 2).Draw(t, "change") == 0; p.change {
		p.cut = rapid.IntRange(0, len(p.messages)-1).Draw(t, "cut")
		p.pick = rapid.IntRange(0, 1).Draw(t, "pick")
	}
	return p
}

// string draws the text of a Query: one statement, at times several.
func (d *draw) string(t *rapid.T) string {
	var parts []string
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "statements") {
		parts = append(parts, d.statement(t))
	}
	return strings.Join(parts, "; ")
}

func (d *draw) statement(t *rapid.T) string {
	name := rapid.SampledFrom([]string{"a", "a", "b", `"b"`, `"B c"`}).Draw(t, "name")
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0, 1, 2:
		text := rapid.SampledFrom(d.texts).Draw(t, "text")
		types := ""
		if text.params == 1 && rapid.Bool().Draw(t, "typed") {
			types = "(" + rapid.SampledFrom([]string{"int", "text"}).Draw(t, "type") + ")"
		}
		return "PREPARE " + name + types + " AS " + d.fill(text.sql)
	case 3, 4, 5:
		args := rapid.SampledFrom([]string{"", "('1')", "(1)", "('1', 2)"}).Draw(t, "args")
		how := rapid.SampledFrom(d.hows).Draw(t, "how")
		return how + "EXECUTE " + name + args
	case 6:
		return rapid.SampledFrom([]string{"DEALLOCATE ", "DEALLOCATE PREPARE "}).Draw(t, "how") + name
	}
	return d.fill(rapid.SampledFrom(sessionStatements).Draw(t, "statement"))
}

// messages draws a message of the extended protocol, or some that belong together.
func (d *draw) messages(t *rapid.T) []message {
	name := rapid.SampledFrom([]string{"", "a", "a", "b", "B c"}).Draw(t, "name")
	portal := rapid.SampledFrom([]string{"", "", "p"}).Draw(t, "portal")
	rows := rapid.SampledFrom([]uint32{0, 0, 1}).Draw(t, "rows")
	text := rapid.SampledFrom(d.texts).Draw(t, "text")
	sql := d.fill(text.sql)
	if rapid.IntRange(0, 7).Draw(t, "said otherwise") == 0 {
		sql, text.params = d.statement(t), 0
	}
	if strings.Contains(sql, "EXECUTE") {
		name = "" // one that executes itself ends the server: it recurses without a look at its stack
	}
	if !strings.HasPrefix(sql, "SELECT") {
		rows = 0 // what a suspended UPDATE has done is seen when any other command has run, one of the instance's, too
	}
	parse := message{fmt.Sprintf("Parse %q %q", name, sql), wire.AppendParse(nil, name, sql, nil)}
	var params [][]byte
	for range rapid.SampledFrom([]int{text.params, text.params, text.params, 0, 1}).Draw(t, "params") {
		params = append(params, []byte("1"))
	}
	bind := message{fmt.Sprintf("Bind %q %q %d", portal, name, len(params)), wire.AppendBind(nil, portal, name, params...)}
	execute := message{fmt.Sprintf("Execute %q %d", portal, rows), wire.AppendExecute(nil, portal, rows)}
	describe := message{fmt.Sprintf("Describe statement %q", name), wire.AppendDescribe(nil, wire.StatementOf, name)}
	switch rapid.IntRange(0, 11).Draw(t, "message") {
	case 0, 1:
		return []message{parse}
	case 2:
		return []message{parse, describe}
	case 3, 4:
		return []message{parse, bind, execute}
	case 5, 6, 7:
		return []message{bind, execute}
	case 8:
		return []message{describe}
	case 9:
		return []message{{fmt.Sprintf("Describe portal %q", portal), wire.AppendDescribe(nil, wire.PortalOf, portal)}}
	case 10:
		return []message{{fmt.Sprintf("Close statement %q", name), wire.AppendClose(nil, wire.StatementOf, name)}}
	}
	return []message{{"Flush", wire.AppendFlush(nil)}}
}
