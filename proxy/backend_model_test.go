package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/proxy/wire"
)

// A backend is a model of PostgresMain for the texts of the client's script, and for what the proxy asks.
type backend struct {
	t        *testing.T
	in       bytes.Buffer
	column   string // what it is called now
	status   byte
	locked   bool // the transaction holds a lock on the table
	prepared map[string]string
	portal   string
}

// take takes the next message and says what it is answered with.
func (b *backend) take() (answers []byte, took bool) {
	raw := b.in.Bytes()
	if len(raw) == 0 {
		return nil, false
	}
	n := 1 + int(raw[1])<<24 + int(raw[2])<<16 + int(raw[3])<<8 + int(raw[4])
	raw = bytes.Clone(b.in.Next(n))
	kind, body := raw[0], raw[5:]
	say := func(kind byte, body []byte) { answers = wire.AppendMessage(answers, kind, body) }
	switch kind {
	case wire.Query:
		sql, _ := wire.DecodeQuery(body)
		answers = b.execute(answers, string(sql), true)
		answers = b.ready(answers)
	case wire.Parse:
		p, err := wire.DecodeParse(body)
		if err != nil {
			b.t.Fatal(err)
		}
		b.prepared[string(p.Name)] = string(p.SQL)
		b.analyse(string(p.SQL))
		say(wire.ParseComplete, nil)
	case wire.Bind:
		_, name, _ := wire.DecodeBind(body)
		sql, there := b.prepared[string(name)]
		if !there {
			b.t.Errorf("there is no statement %q", name)
		}
		b.portal = sql
		b.analyse(sql)
		say(wire.BindComplete, nil)
	case wire.Describe:
		what, name, _ := wire.DecodeTarget(body)
		sql := b.portal
		if what == wire.StatementOf {
			sql = b.prepared[string(name)]
			say(wire.ParameterDescription, []byte{0, 0})
		}
		answers = describeResult(answers, sql)
	case wire.Execute:
		answers = b.execute(answers, b.portal, false)
	case wire.Close:
		if what, name, _ := wire.DecodeTarget(body); what == wire.StatementOf {
			delete(b.prepared, string(name))
		}
		say(wire.CloseComplete, nil)
	case wire.Sync:
		answers = b.ready(answers)
	case wire.Flush:
	default:
		b.t.Errorf("a message %c", kind)
	}
	return answers, true
}

// analyse is what parse analysis finds out, and locks.
func (b *backend) analyse(sql string) {
	if !strings.Contains(sql, "FROM individual") {
		return
	}
	b.locked = true
	if right := strings.Contains(sql, newName); right != (b.column == newName) {
		b.t.Errorf("the column is called %s, where the server gets %q", b.column, sql)
	}
}

func (b *backend) execute(answers []byte, sql string, simple bool) []byte {
	row := func(value string) []byte { return wire.AppendDataRow(answers, value) }
	tag := "SELECT 1"
	switch {
	case sql == "BEGIN":
		b.status, tag = wire.InBlock, "BEGIN"
	case strings.TrimSpace(sql) == "COMMIT":
		b.status, b.locked, tag = wire.Idle, false, "COMMIT"
	case strings.Contains(sql, "'search_path'"):
		answers = row(inHexOf(map[string]any{
			"path": []string{"pg_catalog", "public"}, "setting": "public", "role": "none", "authorization": "model", "version": nil,
			"strings": "on", "encoding": "UTF8", "application": "",
		}))
	case strings.HasPrefix(sql, "SET "):
		tag = "SET"
	case strings.HasPrefix(sql, "SHOW "):
		answers = row(map[string]string{
			"transaction_isolation": "read committed", "standard_conforming_strings": "on", "client_encoding": "UTF8", "search_path": "public",
			"role": "none", "session_authorization": "model", "application_name": "",
		}[sql[len("SHOW "):]])
	case strings.Contains(sql, "FROM individual"), sql == "SELECT 1":
		if simple {
			b.analyse(sql)
			answers = describeResult(answers, sql)
		}
		answers = row("7")
	default:
		b.t.Errorf("the server gets %q", sql)
	}
	return wire.AppendCommandComplete(answers, tag)
}

// ready ends a group of messages, and its transaction if that is no block.
func (b *backend) ready(answers []byte) []byte {
	if b.status == wire.Idle {
		b.locked = false
	}
	return wire.AppendReadyForQuery(answers, b.status)
}

// describeResult is the description of a text's result: the client's labels, whatever the columns are called.
func describeResult(answers []byte, sql string) []byte {
	columns := []struct {
		label string
		table catalog.OID
		num   byte
	}{{"id", modelTable, 1}, {oldName, modelTable, 2}}
	if !strings.Contains(sql, "FROM individual") {
		columns[0].label, columns[0].table, columns[0].num = "?column?", 0, 0
		columns = columns[:1]
	}
	body := []byte{0, byte(len(columns))}
	for _, c := range columns {
		body = append(body, c.label...)
		body = append(body, 0, 0, 0, byte(c.table>>8), byte(c.table), 0, c.num, 0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0)
	}
	return wire.AppendMessage(answers, wire.RowDescription, body)
}

func inHexOf(v any) string {
	text, _ := json.Marshal(v)
	return fmt.Sprintf("%x", text)
}
