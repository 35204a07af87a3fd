package resolve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
)

// An Index is one of a table as the catalog has it.
type Index struct {
	OID        uint32
	Name       string
	Unique     bool
	Valid      bool
	Primary    bool
	Constraint string // "u", "x" or "p" of the constraint that it belongs to; "" for none
	NullsEqual bool   // NULLS NOT DISTINCT
	Method     string
	Keys       []IndexKey
	Include    []string
	Options    []string // of WITH
	Tablespace string
	Where      string
}

// An IndexKey is a column of an index, or an expression.
type IndexKey struct {
	Column     string // "" for an expression
	Expression string // as the server prints it
	Collation  string // qualified, where it is not that of the column or expression; else ""
	Opclass    string // qualified, with its options, where it is not the default; else ""
	Order      string // DESC, NULLS FIRST …; "" for that of the method
}

// A Querier is asked questions: a connection, a transaction or a pool.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// indexes lists the indexes of the table $1, a row for each of their columns. See INDOPTION_DESC and INDOPTION_NULLS_FIRST in
// pg_index.h. Where expressions have a collation of their own is not stored, so that one of theirs is always written.
const indexes = `
SELECT i.indexrelid, ic.relname::pg_catalog.text, i.indisunique, i.indisvalid, i.indisprimary, coalesce(k.contype::pg_catalog.text, ''),
	coalesce((pg_catalog.to_jsonb(i)->>'indnullsnotdistinct')::pg_catalog.bool, false), am.amname::pg_catalog.text,
	coalesce(ic.reloptions, '{}'), coalesce((SELECT spcname::pg_catalog.text FROM pg_catalog.pg_tablespace s WHERE s.oid = ic.reltablespace), ''),
	coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), ''),
	n.at > i.indnkeyatts, coalesce(a.attname::pg_catalog.text, ''),
	CASE WHEN a.attname IS NULL THEN pg_catalog.pg_get_indexdef(i.indexrelid, n.at, false) ELSE '' END,
	CASE WHEN n.at > i.indnkeyatts OR i.indcollation[n.at - 1] = 0 OR i.indcollation[n.at - 1] = coalesce(a.attcollation, 0) THEN ''
		ELSE (SELECT pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(l.collname) FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace s ON s.oid = l.collnamespace
			WHERE l.oid = i.indcollation[n.at - 1]) END,
	CASE WHEN n.at > i.indnkeyatts THEN ''
		WHEN o.opcdefault AND ia.attoptions IS NULL THEN ''
		ELSE pg_catalog.quote_ident(os.nspname) || '.' || pg_catalog.quote_ident(o.opcname) ||
			coalesce((SELECT ' (' || pg_catalog.string_agg(pg_catalog.quote_ident(pg_catalog.split_part(v, '=', 1)) || ' = ' ||
				pg_catalog.quote_literal(pg_catalog.substr(v, pg_catalog.strpos(v, '=') + 1)), ', ') || ')' FROM pg_catalog.unnest(ia.attoptions) AS v), '') END,
	CASE WHEN n.at > i.indnkeyatts THEN '' ELSE CASE i.indoption[n.at - 1]::pg_catalog.int4 & 3 WHEN 0 THEN '' WHEN 1 THEN 'DESC NULLS LAST' WHEN 2 THEN 'NULLS FIRST' ELSE 'DESC' END END
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid JOIN pg_catalog.pg_am am ON am.oid = ic.relam
LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
CROSS JOIN LATERAL pg_catalog.generate_series(1, i.indnatts) AS n (at)
JOIN pg_catalog.pg_attribute ia ON ia.attrelid = i.indexrelid AND ia.attnum = n.at
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n.at - 1] AND a.attnum > 0
LEFT JOIN pg_catalog.pg_opclass o ON n.at <= i.indnkeyatts AND o.oid = i.indclass[n.at - 1] LEFT JOIN pg_catalog.pg_namespace os ON os.oid = o.opcnamespace
WHERE i.indrelid = $1 AND i.indislive ORDER BY i.indexrelid, n.at`

// Indexes lists the indexes of a table. The session's search_path must be pg_catalog alone, or empty.
func Indexes(ctx context.Context, db Querier, table uint32) ([]*Index, error) {
	rows, err := db.Query(ctx, indexes, table)
	if err != nil {
		return nil, fmt.Errorf("cannot look at the indexes: %w", err)
	}
	var out []*Index
	var x Index
	var k IndexKey
	var included bool
	_, err = pgx.ForEachRow(rows, []any{
		&x.OID, &x.Name, &x.Unique, &x.Valid, &x.Primary, &x.Constraint, &x.NullsEqual, &x.Method, &x.Options, &x.Tablespace, &x.Where,
		&included, &k.Column, &k.Expression, &k.Collation, &k.Opclass, &k.Order,
	}, func() error {
		if len(out) == 0 || out[len(out)-1].OID != x.OID {
			one := x
			one.Options = slices.Clone(x.Options)
			out = append(out, &one)
		}
		at := out[len(out)-1]
		if included {
			at.Include = append(at.Include, k.Column)
		} else {
			at.Keys = append(at.Keys, k)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot look at the indexes: %w", err)
	}
	return out, nil
}

// Body is the index as CREATE INDEX has it, from USING on.
func (x *Index) Body() string {
	keys := make([]string, len(x.Keys))
	for i, k := range x.Keys {
		keys[i] = k.SQL()
		for _, more := range []string{k.Opclass, k.Order} {
			if more != "" {
				keys[i] += " " + more
			}
		}
	}
	out := "USING " + quote(x.Method) + " (" + strings.Join(keys, ", ") + ")"
	if len(x.Include) > 0 {
		columns := make([]string, len(x.Include))
		for i, name := range x.Include {
			columns[i] = quote(name)
		}
		out += " INCLUDE (" + strings.Join(columns, ", ") + ")"
	}
	if x.NullsEqual {
		out += " NULLS NOT DISTINCT"
	}
	if len(x.Options) > 0 {
		options := make([]string, len(x.Options))
		for i, o := range x.Options {
			name, value, _ := strings.Cut(o, "=")
			options[i] = quote(name) + " = '" + strings.ReplaceAll(value, "'", "''") + "'"
		}
		out += " WITH (" + strings.Join(options, ", ") + ")"
	}
	if x.Tablespace != "" {
		out += " TABLESPACE " + quote(x.Tablespace)
	}
	if x.Where != "" {
		out += " WHERE " + x.Where
	}
	return out
}

// SQL is the column or expression with its collation.
func (k *IndexKey) SQL() string {
	out := "(" + k.Expression + ")"
	if k.Column != "" {
		out = quote(k.Column)
	}
	if k.Collation != "" {
		out += " COLLATE " + k.Collation
	}
	return out
}

// Parsed reports whether an expression is part of the key.
func (x *Index) Parsed() bool {
	return slices.ContainsFunc(x.Keys, func(k IndexKey) bool { return k.Column == "" })
}

// A translation says what takes the place of the columns of a table that a change takes.
type translation struct {
	columns []string          // all of the table
	to      map[string]string // the column of the new side for one of the old side, by the names that the database has
	same    map[string]bool   // of these, those with the same values
	lost    map[string]bool   // columns of the old side that no column of the new side has the place of alone
	nullsNo map[string]bool   // where one side may be NULL and the other not
	others  []string          // columns that other changes take: an index on one of them ends with it
}

// onOldSide reports whether an index uses a column of the old side.
func (t *translation) onOldSide(x *Index) (bool, error) {
	old := map[string]string{}
	for name := range t.to {
		old[name] = name
	}
	for name := range t.lost {
		old[name] = name
	}
	for _, name := range x.Include {
		if old[name] != "" {
			return true, nil
		}
	}
	texts := []string{x.Where}
	for _, k := range x.Keys {
		if k.Column != "" {
			if old[k.Column] != "" {
				return true, nil
			}
			continue
		}
		texts = append(texts, k.Expression)
	}
	for _, text := range texts {
		if text == "" {
			continue
		}
		_, uses, _, err := change.Renamed(text, t.columns, old)
		if err != nil || uses {
			return true, nil // what cannot be read may
		}
	}
	return false, nil
}

// translate is the index on the columns of the new side; or why that is not certain.
func (t *translation) translate(x *Index) (out *Index, why string) {
	out = new(Index)
	*out = *x
	out.Keys, out.Include = nil, nil
	for _, k := range x.Keys {
		if why := t.key(&k); why != "" {
			return nil, why
		}
		out.Keys = append(out.Keys, k)
	}
	for _, name := range x.Include {
		column, why := t.column(name)
		if why != "" {
			return nil, why
		}
		out.Include = append(out.Include, column)
	}
	if x.Where != "" {
		if out.Where, why = t.text("its condition", x.Where); why != "" {
			return nil, why
		}
	}
	return out, ""
}

// key translates a column or an expression of the key.
func (t *translation) key(k *IndexKey) (why string) {
	if k.Column == "" {
		k.Expression, why = t.text("the expression "+k.Expression, k.Expression)
		return why
	}
	old := k.Column
	if k.Column, why = t.column(old); why != "" || k.Column == old && !t.same[old] && t.to[old] == "" {
		return why
	}
	switch {
	case t.same[old]:
	case k.Opclass != "":
		return fmt.Sprintf("its operator class %s is for the type of %s", k.Opclass, old)
	case k.Collation != "":
		return fmt.Sprintf("its collation %s is chosen for %s", k.Collation, old)
	}
	return ""
}

func (t *translation) column(name string) (to, why string) {
	switch {
	case t.lost[name]:
		return "", fmt.Sprintf("no column takes the place of %s alone", name)
	case slices.Contains(t.others, name):
		return "", fmt.Sprintf("%s is taken by another operation of the file", name)
	case t.to[name] != "":
		return t.to[name], ""
	}
	return name, ""
}

// text translates an expression, as far as it is certain that it says the same of the new side.
func (t *translation) text(what, text string) (out, why string) {
	all := map[string]string{}
	for name, to := range t.to {
		all[name] = to
	}
	for name := range t.lost {
		all[name] = name
	}
	out, uses, nulls, err := change.Renamed(text, t.columns, all)
	switch {
	case err != nil:
		return "", what + " cannot be read"
	}
	for _, name := range t.others {
		if _, taken, _, err := change.Renamed(text, t.columns, map[string]string{name: name}); err != nil || taken {
			return "", fmt.Sprintf("%s is taken by another operation of the file", name)
		}
	}
	if !uses {
		return text, ""
	}
	for name := range all {
		_, uses, _, err := change.Renamed(text, t.columns, map[string]string{name: name})
		switch {
		case err != nil || !uses || t.same[name]:
		case t.lost[name]:
			return "", fmt.Sprintf("no column takes the place of %s alone", name)
		case !nulls || t.nullsNo[name]:
			return "", fmt.Sprintf("%s is about %s, and what it would be of %s is not certain", what, name, t.to[name])
		}
	}
	return out, ""
}

// A Counterpart is what the new side is to have in the place of an index on the old side.
type Counterpart struct {
	Of  *Index
	New *Index // nil where that is not certain
	Why string // it is not certain
}

// Counterparts lists the indexes of a table on the old side of a change with what the new side is to have for them. The change must be
// resolved, and db be such as Indexes wants it.
func Counterparts(ctx context.Context, db Querier, c *change.Compiled, table uint32) (out []Counterpart, all []*Index, err error) {
	t, err := translationOf(ctx, db, c, table)
	if err != nil {
		return nil, nil, err
	}
	if all, err = Indexes(ctx, db, table); err != nil {
		return nil, nil, err
	}
	for _, x := range all {
		if on, err := t.onOldSide(x); err != nil || !on {
			continue
		}
		one := Counterpart{Of: x}
		one.New, one.Why = t.translate(x)
		out = append(out, one)
	}
	return out, all, nil
}

func translationOf(ctx context.Context, db Querier, c *change.Compiled, table uint32) (*translation, error) {
	rows, err := db.Query(ctx, `SELECT attname::pg_catalog.text FROM pg_catalog.pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, table)
	if err != nil {
		return nil, fmt.Errorf("cannot look at the columns: %w", err)
	}
	t := &translation{others: c.Elsewhere, to: map[string]string{}, same: map[string]bool{}, lost: map[string]bool{}, nullsNo: map[string]bool{}}
	if t.columns, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, fmt.Errorf("cannot look at the columns: %w", err)
	}
	for _, o := range c.Old {
		t.lost[o.Physical] = true
	}
	for _, p := range c.Pairs() {
		old := c.Old[p.Old].Physical
		delete(t.lost, old)
		t.to[old], t.same[old], t.nullsNo[old] = c.New[p.New].Physical, p.Same, c.NullOK || len(c.Old) > 1 || len(c.New) > 1
	}
	return t, nil
}

// followed returns the change with the indexes that its new side is to have: for each on the old side of which that is certain, and
// that the server takes. A stand-in of the table says so.
func followed(ctx context.Context, db Beginner, c change.Change) (change.Change, error) {
	tx, err := db.Begin(ctx)
	if err != nil {
		return c, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	r := &resolver{ctx: ctx, tx: tx, c: c}
	if err := r.lookIn(); err != nil {
		return c, err
	}
	t := &table{resolver: r}
	if err := t.find(); err != nil {
		return c, err
	}
	compiled, err := change.Compile(c)
	if err != nil {
		return c, err
	}
	found, _, err := Counterparts(ctx, tx, compiled, t.oid)
	if err != nil || len(found) == 0 {
		return c, err
	}
	if err := t.indexStandIn(compiled); err != nil {
		return c, err
	}
	c.Indexes = nil
	for _, f := range found {
		if f.New == nil || !f.Of.Valid || f.Of.Primary || f.Of.Constraint != "" {
			continue
		}
		body, err := t.tried(f.New)
		if err != nil {
			return c, err
		}
		if body == "" {
			continue
		}
		x := change.Index{Of: f.Of.Name, Unique: f.Of.Unique, Body: body, Parsed: f.Of.Parsed()}
		if x.Name, err = t.indexName(f.Of.Name, compiled, c.Indexes); err != nil {
			return c, err
		}
		x.Late = x.Name == x.Of
		c.Indexes = append(c.Indexes, x)
	}
	return c, nil
}

const indexTable = `segue."_segue_resolve_index"`

// indexStandIn makes a table without rows that has the columns of both sides.
func (t *table) indexStandIn(c *change.Compiled) error {
	sql := []string{"CREATE TABLE " + indexTable + " (LIKE " + c.Table.SQL() + ")"}
	for _, col := range c.New {
		add := "ALTER TABLE " + indexTable + " ADD COLUMN " + quote(col.Physical) + " " + col.Type
		if col.Collation != "" {
			add += " COLLATE " + col.Collation
		}
		sql = append(sql, add)
	}
	_, err := t.tx.Exec(t.ctx, strings.Join(sql, "; "), pgx.QueryExecModeSimpleProtocol)
	return err
}

// tried makes the index on the stand-in, and returns its body as the server has it; "" where the server refuses it.
func (t *table) tried(x *Index) (body string, err error) {
	unique := ""
	if x.Unique {
		unique = "UNIQUE "
	}
	err = pgx.BeginFunc(t.ctx, t.tx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.ctx, "CREATE "+unique+"INDEX _segue_resolve_made ON "+indexTable+" "+x.Body()); err != nil {
			return err
		}
		var oid uint32
		if err := tx.QueryRow(t.ctx, "SELECT $1::pg_catalog.text::pg_catalog.regclass::pg_catalog.oid", indexTable).Scan(&oid); err != nil {
			return err
		}
		made, err := Indexes(t.ctx, tx, oid)
		if err != nil {
			return err
		}
		for _, m := range made {
			body = m.Body()
		}
		return errDone
	})
	if _, refused := Rejected(err); refused {
		return "", nil
	}
	if errors.Is(err, errDone) {
		err = nil
	}
	return body, err
}

// indexName is the name for an index of the new side: that of the one on the old side with the columns' names replaced, or that
// itself where it names none, or the other is taken.
func (t *table) indexName(of string, c *change.Compiled, chosen []change.Index) (string, error) {
	name := "_" + of + "_"
	for _, p := range c.Pairs() {
		name = strings.Replace(name, "_"+c.Old[p.Old].Name+"_", "_"+c.New[p.New].Name+"_", 1)
	}
	name = name[1 : len(name)-1]
	if name == of || len(name) > 63 || slices.ContainsFunc(chosen, func(x change.Index) bool { return x.Name == name }) {
		return of, nil
	}
	var taken bool
	err := t.tx.QueryRow(t.ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = $1 AND relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident($2)))`,
		name, t.c.Table.Schema).Scan(&taken)
	if err != nil || taken {
		return of, err
	}
	return name, nil
}
