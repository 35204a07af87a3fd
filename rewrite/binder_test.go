package rewrite

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// The table of these tests is individual(id, last_name, größe), of which surname makes last_name surname.
const individualOID = 16400

func testSnapshot(serverVersion int) *rules.Snapshot {
	table := func(lastName, size string) *rules.TableLens {
		return &rules.TableLens{OID: individualOID, Schema: "public", Logical: "individual", Physical: "individual",
			Identity: lastName == "last_name", Columns: []rules.ColumnLens{
				{Logical: "id", Physical: "id", Num: 1},
				{Logical: lastName, Physical: "last_name", Num: 2},
				{Logical: size, Physical: "größe", Num: 3},
			}}
	}
	return &rules.Snapshot{
		Migrations: []*rules.Migration{
			{ID: "surname", Phase: rules.Active, Seq: 1},
			{ID: "size", Phase: rules.Active, Seq: 2},
			{ID: "later", Phase: rules.Draft, Seq: 3},
			{ID: "gone", Phase: rules.RolledBack, Seq: 4},
		},
		Lenses: map[string]*rules.Lens{
			rules.Base: rules.NewLens(rules.Base, []*rules.TableLens{table("last_name", "größe")}),
			"surname":  rules.NewLens("surname", []*rules.TableLens{table("surname", "größe")}),
			"size":     rules.NewLens("size", []*rules.TableLens{table("surname", "size")}),
		},
		Aliases: map[string]string{"old": rules.Base},
		Catalog: catalog.New(serverVersion, []*catalog.Relation{
			testRelation(individualOID, "individual", "id", "last_name", "größe"),
			testRelation(16500, "pets", "id", "owner"),
			testRelation(16600, "orders", "id", "owner", "total", "state"),
		}, nil, nil),
		Tables:      []catalog.OID{individualOID},
		Identifiers: []string{"individual"},
	}
}

func testRelation(oid catalog.OID, name string, columns ...string) *catalog.Relation {
	r := &catalog.Relation{OID: oid, Schema: "public", Name: name, Kind: catalog.Table}
	for i, c := range columns {
		r.Columns = append(r.Columns, catalog.Column{Num: int16(i + 1), Name: c, Type: 25, Typmod: -1})
	}
	return r
}

// plainBind is a binder that takes every identifier for a column of the one table, wherever it stands.
func plainBind(in *bindInput) (*bound, error) {
	out := &bound{tree: in.tree}
	lens := in.lens.Tables[0]
	for _, raw := range in.tree.Stmts {
		first, last := in.tokens.At(int(raw.StmtLocation)), in.tokens.Len()-1
		if raw.StmtLen > 0 {
			last = in.tokens.Before(int(raw.StmtLocation + raw.StmtLen))
		}
		s := Statement{Start: in.tokens.Start(first), End: in.tokens.End(last)}
		for i := first; i <= last; i++ {
			name, _ := in.tokens.Ident(i)
			if name == lens.Logical {
				s.Tables = []catalog.OID{lens.OID}
			}
			if name == "puzzle" {
				s.Failure = &Error{Code: codeRefused, Message: "a puzzle", Position: syntax.CharPosition(in.sql, in.tokens.Start(i))}
			}
		}
		for i := first; i <= last && len(s.Tables) > 0; i++ {
			name, _ := in.tokens.Ident(i)
			c := lens.Column(name)
			if c == nil && slices.Contains([]string{"last_name", "surname", "größe", "size"}, name) {
				s.Failure = &Error{Code: "42703", Message: "no " + name, Position: syntax.CharPosition(in.sql, in.tokens.Start(i))}
			}
			if c == nil || c.Logical == c.Physical {
				continue
			}
			out.edits = append(out.edits, splice.Edit{Start: in.tokens.Start(i), End: in.tokens.IdentEnd(i), New: syntax.QuoteIdent(c.Physical)})
			s.Columns = []Column{{Label: c.Physical, Table: lens.OID, Num: c.Num, Known: true}}
		}
		if s.Failure == nil && len(s.Tables) > 0 {
			renameStrings(reflect.ValueOf(raw.Stmt), lens)
		}
		s.Effect.Execute = raw.GetStmt().GetExecuteStmt().GetName()
		out.statements = append(out.statements, s)
	}
	return out, nil
}

// renameStrings changes every string in a tree that is a column's logical name.
func renameStrings(v reflect.Value, lens *rules.TableLens) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if s, ok := v.Interface().(*ast.String); ok && s != nil {
			if c := lens.Column(s.Sval); c != nil {
				s.Sval = c.Physical
			}
			return
		}
		if !v.IsNil() {
			renameStrings(v.Elem(), lens)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				renameStrings(v.Field(i), lens)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			renameStrings(v.Index(i), lens)
		}
	}
}

func plainBinder() *Binder {
	b := NewBinder(testSnapshot(150000), Options{Stats: new(Stats)})
	b.bind = plainBind
	return b
}

// pinned is a session of a version.
func pinned(version string) *Session {
	return &Session{Version: version, StandardStrings: true, SearchPath: []string{"pg_catalog", "public"}}
}

// mustRewrite rewrites for a server that knows nothing more than the catalog.
func mustRewrite(t testing.TB, b *Binder, s *Session, sql string) *Text {
	t.Helper()
	text, err := b.Rewrite(s, sql)
	var need *NeedRelation
	if errors.As(err, &need) {
		asked := *s
		asked.Overlay = maps.Clone(s.Overlay)
		if asked.Overlay == nil {
			asked.Overlay = map[rules.Name]*catalog.Relation{}
		}
		for _, n := range need.Names {
			asked.Overlay[n] = b.snap.Catalog.Lookup(n.Schema, n.Name)
		}
		text, err = b.Rewrite(&asked, sql)
	}
	if err != nil {
		t.Fatalf("Rewrite(%q): %v", sql, err)
	}
	if text.Client != sql {
		t.Fatalf("Client = %q, want %q", text.Client, sql)
	}
	if text.Changed != (text.SQL != text.Client) {
		t.Fatalf("Changed = %v of %q", text.Changed, text.SQL)
	}
	return text
}

func TestATextIsSentInTheNamesOfItsVersion(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ version, sql, want string }{
		"the version's name is replaced":   {"surname", "SELECT surname FROM individual", "SELECT last_name FROM individual"},
		"the layout survives":              {"surname", "select /*+ hint */ Surname\n\tfrom individual -- x", "select /*+ hint */ last_name\n\tfrom individual -- x"},
		"the old version sends its own":    {rules.Base, "SELECT last_name FROM individual", "SELECT last_name FROM individual"},
		"an alias is another version":      {"old", "SELECT last_name FROM individual", "SELECT last_name FROM individual"},
		"a name that needs quotes":         {"size", "SELECT size FROM individual", `SELECT "größe" FROM individual`},
		"an identifier with an escape":     {"surname", `SELECT U&"surn!0061me" UESCAPE '!' FROM individual`, `SELECT last_name FROM individual`},
		"a text without statements":        {"surname", "-- individual", "-- individual"},
		"a statement that concerns nobody": {"surname", "SELECT surname FROM pets", "SELECT surname FROM pets"},
		"an escape string":                 {"surname", `SELECT surname, E'\'' FROM individual`, `SELECT last_name, E'\'' FROM individual`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := mustRewrite(t, plainBinder(), pinned(tc.version), tc.sql)
			if text.SQL != tc.want {
				t.Errorf("SQL = %q, want %q", text.SQL, tc.want)
			}
		})
	}
}

func TestStatementsOfAStringAreTreatedOneByOne(t *testing.T) {
	t.Parallel()
	const sql = "BEGIN; SELECT surname FROM individual; SELECT last_name FROM individual ; SELECT 'ü', puzzle;"
	text := mustRewrite(t, plainBinder(), pinned("surname"), sql)
	const want = `BEGIN; SELECT last_name FROM individual; SELECT "segue: statement refused 3" ; SELECT "segue: statement refused 4";`
	if text.SQL != want {
		t.Fatalf("SQL  = %q\nwant = %q", text.SQL, want)
	}
	var ranges []string
	for _, s := range text.Statements {
		ranges = append(ranges, text.SQL[s.Start:s.End])
	}
	if diff := cmp.Diff([]string{"BEGIN", "SELECT last_name FROM individual", `SELECT "segue: statement refused 3"`,
		`SELECT "segue: statement refused 4"`}, ranges); diff != "" {
		t.Error(diff)
	}
	if !text.TxControl {
		t.Error("TxControl is false")
	}
	if diff := cmp.Diff([]catalog.OID{individualOID}, text.Tables); diff != "" {
		t.Error(diff)
	}
	if f := text.FailureAt("42703", `column "segue: statement refused 3" does not exist`, 42); f == nil || f.Code != "42703" || f.Position != 47 {
		t.Errorf("FailureAt 3 = %v", f)
	}
	if f := text.FailureAt("42703", `Spalte »segue: statement refused 4« existiert nicht`, 0); f == nil || f.Code != "0A000" {
		t.Errorf("FailureAt 4 = %v", f)
	}
	for _, message := range []string{
		`column "surname" does not exist`, `column "segue: statement refused 2" does not exist`,
		`column "segue: statement refused 30" does not exist`, `column "segue: statement refused " does not exist`,
	} {
		if f := text.FailureAt("42703", message, 0); f != nil {
			t.Errorf("FailureAt(%s) = %v, want none", message, f)
		}
	}
	if f := text.FailureAt("42601", `column "segue: statement refused 3" does not exist`, 0); f != nil {
		t.Errorf("FailureAt of another code = %v, want none", f)
	}
}

func TestOnlyBeginAndEndOfATransactionControlIt(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		"BEGIN; SELECT 1 FROM individual":                        true,
		"SELECT 1 FROM individual; COMMIT":                       true,
		"SELECT 1 FROM individual; ROLLBACK AND CHAIN":           true,
		"SAVEPOINT a; SELECT 1 FROM individual; ROLLBACK TO a":   false,
		"SELECT 1 FROM individual; SELECT 1":                     false,
		"COMMIT /* individual */":                                false,
		"SELECT 1 FROM individual; PREPARE TRANSACTION 'a'; END": true,
	} {
		if got := mustRewrite(t, plainBinder(), pinned("surname"), sql).TxControl; got != want {
			t.Errorf("TxControl of %q = %v", sql, got)
		}
	}
}

func TestATextThatCannotBeReadFailsAsTheServerWould(t *testing.T) {
	t.Parallel()
	const sql = "SELECT 'é', FROM FROM individual"
	t.Run("a server with the parser's grammar gives the parser's error", func(t *testing.T) {
		t.Parallel()
		b := plainBinder()
		text := mustRewrite(t, b, pinned("surname"), sql)
		if _, err := ast.Parse(text.SQL); err == nil {
			t.Errorf("%q can be parsed, though a failed transaction would then report that first", text.SQL)
		}
		f := text.FailureAt("42601", `syntax error at or near ""segue: statement refused 1""`, 1)
		want := &Error{Code: "42601", Message: `syntax error at or near "FROM"`, Position: 13}
		if diff := cmp.Diff(want, f, cmpopts.IgnoreUnexported(Error{})); diff != "" {
			t.Error(diff)
		}
		if n := b.Stats().ParseErrors.Load(); n != 1 {
			t.Errorf("ParseErrors = %d", n)
		}
	})
	t.Run("a newer server may be able to read it", func(t *testing.T) {
		t.Parallel()
		b := NewBinder(testSnapshot(newerServer), Options{})
		text := mustRewrite(t, b, pinned("surname"), sql)
		f := text.FailureAt("42703", `column "segue: statement refused 1" does not exist`, 8)
		if f == nil || f.Code != "0A000" || !strings.Contains(f.Message, `syntax error at or near "FROM"`) || f.Position != 13 {
			t.Errorf("FailureAt = %+v", f)
		}
	})
	t.Run("a string that never ends", func(t *testing.T) {
		t.Parallel()
		text := mustRewrite(t, plainBinder(), pinned("surname"), "SELECT 'individual")
		if f := text.Statements[0].Failure; f == nil || f.Code != "42601" || f.Position != 8 {
			t.Errorf("Failure = %+v", f)
		}
	})
}

func TestAStandInForAHeldStatementIsRecognized(t *testing.T) {
	t.Parallel()
	if !IsStandIn("42703", `column "segue: statement refused 0" does not exist`) {
		t.Error("the answer to StandIn is not recognized")
	}
	for _, message := range []string{`column "segue: statement refused 1" does not exist`, `column "x" does not exist`} {
		if IsStandIn("42703", message) {
			t.Errorf("%s is taken for the answer to StandIn", message)
		}
	}
	if !strings.Contains(StandIn, standInMark+"0") {
		t.Errorf("StandIn = %s", StandIn)
	}
}

func TestAVersionThatIsNotServedRefusesOnlyTheTablesUnderMigration(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]Error{
		"later": {Code: "57P03", Message: `schema version "later" is not served yet`},
		"gone":  {Code: "22023", Message: `schema version "gone" is not served any more: its migration was rolled back`},
		"typo":  {Code: "22023", Message: `schema version "typo" does not exist`},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			text := mustRewrite(t, plainBinder(), pinned(version), "SELECT 1; SELECT id FROM individual; SET segue.version = 'x'")
			if text.Statements[0].Failure != nil || text.Statements[2].Failure != nil {
				t.Error("a statement fails that concerns no table")
			}
			f := text.Statements[1].Failure
			if f == nil || f.Code != want.Code || f.Message != want.Message || !strings.Contains(f.Hint, "base, surname, size") {
				t.Errorf("Failure = %+v", f)
			}
		})
	}
}

func TestARewriteThatIsNotProvedIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(*bound)
		sent  string
	}{
		"an edit that is not the tree's": {
			func(b *bound) { b.edits[0].New = "id" },
			`SELECT "segue: statement refused 1"; SELECT id FROM individual`},
		"an edit that breaks the text": {
			func(b *bound) { b.edits[0].New = "(" },
			`SELECT "segue: statement refused 1"; SELECT "segue: statement refused 2"`},
		"edits that overlap": {
			func(b *bound) { b.edits = append(b.edits, b.edits[0]) },
			`SELECT "segue: statement refused 1"; SELECT "segue: statement refused 2"`},
		"an edit that makes two statements": {
			func(b *bound) { b.edits[0].New = "1; SELECT 2" },
			`SELECT "segue: statement refused 1"; SELECT "segue: statement refused 2"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := plainBinder()
			b.bind = func(in *bindInput) (*bound, error) {
				out, err := plainBind(in)
				tc.spoil(out)
				return out, err
			}
			text := mustRewrite(t, b, pinned("surname"), "SELECT surname FROM individual; SELECT id FROM individual")
			if text.SQL != tc.sent {
				t.Errorf("SQL = %q, want %q", text.SQL, tc.sent)
			}
			if f := text.Statements[0].Failure; f.Code != "0A000" || f.Node != "unproven" {
				t.Errorf("Failure = %+v", f)
			}
			if n := b.Stats().Unproven.Load(); n != 1 {
				t.Errorf("Unproven = %d", n)
			}
		})
	}
}

func TestAFailureThatTheServerFindsByItselfIsLeftToIt(t *testing.T) {
	t.Parallel()
	b := plainBinder()
	b.bind = func(in *bindInput) (*bound, error) {
		out, err := plainBind(in)
		out.statements[0].Failure = &Error{Code: "42703", Message: "ours", natural: true}
		return out, err
	}
	const sql = "SELECT nonsense FROM individual"
	text := mustRewrite(t, b, pinned("surname"), sql)
	if text.SQL != sql || text.Statements[0].Failure != nil {
		t.Errorf("SQL = %q, Failure = %v", text.SQL, text.Statements[0].Failure)
	}
}

func TestWhatIsUnknownIsAskedFor(t *testing.T) {
	t.Parallel()
	b := plainBinder()
	need := &NeedRelation{Names: []rules.Name{{Name: "x"}}}
	b.bind = func(in *bindInput) (*bound, error) {
		if len(in.sess.Overlay) == 0 {
			return nil, need
		}
		return plainBind(in)
	}
	var got *NeedRelation
	if _, err := b.Rewrite(pinned("surname"), "SELECT surname FROM individual, x"); !errors.As(err, &got) || got != need {
		t.Fatalf("err = %v", err)
	}
	s := pinned("surname")
	s.Overlay = map[rules.Name]*catalog.Relation{{Name: "x"}: nil}
	if text := mustRewrite(t, b, s, "SELECT surname FROM individual, x"); text.SQL != "SELECT last_name FROM individual, x" {
		t.Errorf("SQL = %q", text.SQL)
	}
}

func TestNothingIsLookedAtWhenNothingIsLive(t *testing.T) {
	t.Parallel()
	b := NewBinder(&rules.Snapshot{Identifiers: []string{"individual"}}, Options{})
	if got := b.Match([]byte(`SELECT * FROM individual`), true); got != prefilter.Miss {
		t.Errorf("Match = %v, want Miss", got)
	}
	text, err := b.Rewrite(&Session{}, "SELECT * FROM individual")
	if err != nil || text.Changed || text.SQL != text.Client {
		t.Errorf("Rewrite changed a text, or failed: %v", err)
	}
}
