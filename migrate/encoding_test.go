package migrate

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
)

// What Segue says itself may come into segue.audit, so every database must be able to hold it.
func TestTextsOfTheProgramCanBeStoredInEveryEncoding(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "../rules"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			parsed, err := parser.ParseFile(set, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
					for _, r := range text.Value {
						if r > 0x7F {
							t.Errorf("%s: %s", set.Position(n.Pos()), text.Value)
							break
						}
					}
				}
				return true
			})
		}
	}
}

// strange is a text that no encoding but UTF8 has, and that is no text in UTF8 either.
const strange = "s\U0001F600\u2028→\xff"

func TestAMigrationIsLedThroughAllPhasesInEveryEncoding(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "EUC_JP", "SQL_ASCII", "UTF8"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			f := newFleetAt(t, pgtest.DatabaseIn(t, encoding), 2, shop)
			if _, _, err := f.instances[0].Create(t.Context(), strange+".yaml", []byte(surname+"# → \U0001F600\n"), strange); err != nil {
				t.Fatal(err)
			}
			if _, created, err := f.instances[0].Create(t.Context(), "again.yaml", []byte(surname+"# → \U0001F600\n"), "test"); err != nil || created {
				t.Fatalf("the same file again: created %v, error %v", created, err)
			}
			f.must("surname", activate)
			table := catalog.OID(value[uint32](f, `SELECT 'public.individual'::regclass::oid`))
			use := func(tr *traffic, application string) {
				tr.set(func() {
					tr.uses = append(tr.uses, UseCount{
						Version: "base", Table: table, Name: "individual", Column: "last_name", Count: 1, User: application + "u", Application: application, Sample: application,
					})
				})
			}
			for _, tr := range f.traffics {
				use(tr, strange)
				use(tr, "plain")
				use(tr, strings.Repeat("long ", 5000))
				tr.set(func() { tr.sessions = []SessionInfo{{PID: 1, User: strange, Application: strange, Version: "base"}} })
			}
			for _, r := range []Request{
				{Kind: Cutover, Actor: strange}, {Kind: Rollback, Actor: strange}, {Kind: Activate, Actor: strange}, {Kind: Cutover, Actor: strange},
				{Kind: Contract, Actor: strange, Force: true, Reason: strange, AllowBypass: true},
			} {
				if r.Kind == Contract {
					for _, tr := range f.traffics {
						tr.set(func() { tr.sessions[0].Version = "surname" })
					}
				}
				f.must("surname", r)
			}
			if got := value[int64](f, `SELECT sum(count)::bigint FROM segue.usage WHERE col = 'last_name' AND old`); got != 6 {
				t.Errorf("%d of 6 uses are counted", got)
			}
			if got := value[int64](f, `SELECT count(*) FROM segue.usage WHERE user_name = 'plainu' AND application = 'plain' AND sample = 'plain'`); got != 1 {
				t.Errorf("what can be stored is stored in %d rows", got)
			}
			if got := value[int64](f, `SELECT count(*) FROM segue.audit WHERE actor LIKE 's%'`); got == 0 {
				t.Error("the audit has no actor")
			}
		})
	}
}

func TestANameThatTheDatabaseCannotHoldIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFleetAt(t, pgtest.DatabaseIn(t, "LATIN1"), 1, shop)
	_, _, err := f.instances[0].Create(t.Context(), "rules.yaml", []byte(strings.ReplaceAll(surname, "to: surname", "to: имя")), "test")
	if _, ok := errors.AsType[*ConflictError](err); !ok {
		t.Errorf("the answer is %v", err)
	}
	f.create(strings.ReplaceAll(surname, "to: surname", "to: prénom"))
	f.must("surname", activate, cutover)
	if !f.hasColumn("public.individual", "prénom") {
		t.Error("a name that it can hold is not there")
	}
}
