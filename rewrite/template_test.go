package rewrite

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax/syntaxtest"
)

func TestSlotsAreConstantsAndComments(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT 'a', 1, 1.5, .5, 1e3, 9999999999": "s:'a' i:1 f:1.5 f:.5 f:1e3 b:9999999999",
		"SELECT 'it''s' 'x'":                      "s:'it''s'",
		"SELECT 'a'\n'b'":                         "s:'a'\n'b'",
		"SELECT 'a' -- x\n 'b'":                   "s:'a' -- x\n 'b'",
		"SELECT E'a', U&'a', N'a', B'1', X'1'":    "",
		"SELECT $1, $$a$$, \"1\", a1, 0x10, 1_0":  "",
		"SELECT 12345678901234567890":             "",
		"SELECT 2147483647, 2147483648":           "i:2147483647 b:2147483648",
		"/* a */ SELECT /* b */ 1 -- c":           "c:/* a */  c: /* b */  i:1 c: -- c",
		"SELECT U&'d!0061' UESCAPE '!'":           "",
	} {
		slots, _, ok := slotsOf(sql)
		var got []string
		for _, p := range slots {
			got = append(got, string(p.class)+":"+sql[p.start:p.end])
		}
		if !ok || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v", sql, got, ok)
		}
	}
	for _, sql := range []string{"SELECT 'a", "SELECT '\x00'", "SELECT '\xff'"} {
		if _, _, ok := slotsOf(sql); ok {
			t.Errorf("%q has slots", sql)
		}
	}
}

// free marks in a text what of it its template leaves free.
func free(t *testing.T, sql string) string {
	t.Helper()
	slots, tokens, ok := slotsOf(sql)
	if !ok {
		t.Fatalf("%s has no slots", sql)
	}
	out := sql
	for i, is := range slices.Backward(freeSlots(tokens, slots, plainConstants(mustParse(t, sql)))) {
		if is {
			out = out[:slots[i].start] + "?" + out[slots[i].end:]
		}
	}
	return out
}

func TestWhatTheBinderMayLookIntoIsNotFree(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT 1, 'x' FROM t WHERE a = 1 AND b <> -2 OR c IN (3, 'x')":                             "SELECT 1, 'x' FROM t WHERE a = ? AND b <> -? OR c IN (?, ?)",
		"SELECT a FROM t WHERE a BETWEEN 1 AND 2 ORDER BY 1 LIMIT 5 OFFSET 2":                       "SELECT a FROM t WHERE a BETWEEN ? AND ? ORDER BY 1 LIMIT ? OFFSET ?",
		"SELECT a FROM t GROUP BY 1 HAVING count(*) > 5":                                            "SELECT a FROM t GROUP BY 1 HAVING count(*) > ?",
		"SELECT a FROM t WHERE a LIKE 'x%' AND lower(b) = 'y' AND f('z')":                           "SELECT a FROM t WHERE a LIKE ? AND lower(b) = ? AND f('z')",
		"SELECT a FROM t WHERE a = '1'::int AND d > DATE '2024-01-01'":                              "SELECT a FROM t WHERE a = ?::int AND d > DATE ?",
		"SELECT a FROM t WHERE r = 'x'::regclass AND s = 'x'::mood":                                 "SELECT a FROM t WHERE r = 'x'::regclass AND s = 'x'::mood",
		"SELECT a FROM t WHERE tableoid::regclass = 'x'":                                            "SELECT a FROM t WHERE tableoid::regclass = 'x'",
		"SELECT a FROM t WHERE tableoid::regclass IN ('x', 'y')":                                    "SELECT a FROM t WHERE tableoid::regclass IN ('x', 'y')",
		"SELECT a FROM t WHERE j ->> 'x' = 'y' AND j @> '{}'":                                       "SELECT a FROM t WHERE j ->> 'x' = ? AND j @> ?",
		"SELECT a FROM t WHERE a OPERATOR(pg_catalog.=) 1":                                          "SELECT a FROM t WHERE a OPERATOR(pg_catalog.=) 1",
		"SELECT a FROM t WHERE (a, b) > (1, 'x') AND a = ANY (ARRAY[1, 2])":                         "SELECT a FROM t WHERE (a, b) > (?, ?) AND a = ANY (ARRAY[?, ?])",
		"SELECT (SELECT 1 WHERE a = 2) FROM t":                                                      "SELECT (SELECT 1 WHERE a = 2) FROM t",
		"SELECT a FROM t JOIN u ON u.a = 1, (SELECT b FROM v WHERE c = 2) w":                        "SELECT a FROM t JOIN u ON u.a = ?, (SELECT b FROM v WHERE c = ?) w",
		"SELECT a FROM t JOIN f(1) ON true WHERE EXISTS (SELECT 1 FROM u WHERE a = 2)":              "SELECT a FROM t JOIN f(1) ON true WHERE EXISTS (SELECT 1 FROM u WHERE a = ?)",
		"WITH w AS (SELECT a FROM t WHERE a = 1) SELECT a FROM w UNION SELECT a FROM u WHERE a = 2": "WITH w AS (SELECT a FROM t WHERE a = ?) SELECT a FROM w UNION SELECT a FROM u WHERE a = ?",
		"INSERT INTO t VALUES (1, 'x', f('y')), (2, 'z', DEFAULT) RETURNING 1":                      "INSERT INTO t VALUES (?, ?, f('y')), (?, ?, DEFAULT) RETURNING 1",
		"INSERT INTO t SELECT 1 WHERE 2 = 3 ON CONFLICT (a) DO UPDATE SET b = 4 WHERE t.c = 5":      "INSERT INTO t SELECT 1 WHERE ? = ? ON CONFLICT (a) DO UPDATE SET b = ? WHERE t.c = ?",
		"UPDATE t SET a = 1, b = CASE c WHEN 2 THEN 'x' ELSE coalesce(d, 'y') END WHERE e = 3":      "UPDATE t SET a = ?, b = CASE c WHEN ? THEN ? ELSE coalesce(d, ?) END WHERE e = ?",
		"DELETE FROM t USING u WHERE t.a = u.a AND u.b = 1 -- why":                                  "DELETE FROM t USING u WHERE t.a = u.a AND u.b = ??",
		"CREATE VIEW v AS SELECT a FROM t WHERE a = 1":                                              "CREATE VIEW v AS SELECT a FROM t WHERE a = 1",
		"EXPLAIN SELECT a FROM t WHERE a = 1":                                                       "EXPLAIN SELECT a FROM t WHERE a = 1",
		"SELECT a FROM t WHERE a = 'x'\n'y'":                                                        "SELECT a FROM t WHERE a = 'x'\n'y'",
	} {
		if got := free(t, sql); got != want {
			t.Errorf("%s:\n got %s\nwant %s", sql, got, want)
		}
	}
}

// templateHits rewrites texts, and tells how many of them were rewritten by a template.
func templateHits(t *testing.T, b *Binder, s *Session, texts ...string) int {
	t.Helper()
	before := b.Stats().TemplateHits.Load()
	for _, sql := range texts {
		mustRewrite(t, b, s, sql)
	}
	return int(b.Stats().TemplateHits.Load() - before)
}

func TestTheThirdTextOfATemplateIsNotBound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		texts []string
		hits  int
	}{
		"other values": {[]string{
			"SELECT surname FROM individual WHERE id = 1", "SELECT surname FROM individual WHERE id = 22",
			"SELECT surname FROM individual WHERE id = 333", "SELECT surname FROM individual WHERE id = 4"}, 2},
		"other comments": {[]string{
			"SELECT surname FROM individual /* a */", "SELECT surname FROM individual /* bb */", "SELECT surname FROM individual /* ccc */"}, 1},
		"no change of the text": {[]string{
			"SELECT id FROM individual WHERE id = 1", "SELECT id FROM individual WHERE id = 2", "SELECT id FROM individual WHERE id = 3"}, 1},
		"two statements": {[]string{
			"UPDATE individual SET surname = 'a' WHERE id = 1; DELETE FROM individual WHERE surname = 'b'",
			"UPDATE individual SET surname = 'aa' WHERE id = 10; DELETE FROM individual WHERE surname = 'bb'",
			"UPDATE individual SET surname = '' WHERE id = 100; DELETE FROM individual WHERE surname = ''"}, 1},
		"numbers of other kinds": {[]string{
			"SELECT surname FROM individual WHERE id = 1", "SELECT surname FROM individual WHERE id = 2",
			"SELECT surname FROM individual WHERE id = 1.5", "SELECT surname FROM individual WHERE id = 99999999999"}, 0},
		"another place of the sort": {[]string{
			"SELECT id, surname FROM individual WHERE id = 1 ORDER BY 1", "SELECT id, surname FROM individual WHERE id = 2 ORDER BY 1",
			"SELECT id, surname FROM individual WHERE id = 3 ORDER BY 2", "SELECT id, surname FROM individual WHERE id = 4 ORDER BY 2"}, 0},
		"other white space": {[]string{
			"SELECT surname FROM individual WHERE id = 1", "SELECT surname FROM individual WHERE id = 2", "SELECT surname FROM individual WHERE id =  3"}, 0},
		"a failure": {[]string{
			"SELECT last_name FROM individual WHERE id = 1", "SELECT last_name FROM individual WHERE id = 2", "SELECT last_name FROM individual WHERE id = 3"}, 0},
		"what changes the session": {[]string{
			"SELECT surname, set_config('search_path', 'public', true) FROM individual WHERE id = 1",
			"SELECT surname, set_config('search_path', 'public', true) FROM individual WHERE id = 2",
			"SELECT surname, set_config('search_path', 'public', true) FROM individual WHERE id = 3"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := realBinder(Options{Stats: new(Stats)})
			if got := templateHits(t, b, pinned("surname"), tc.texts...); got != tc.hits {
				t.Errorf("%d of the texts were rewritten by a template", got)
			}
			if n := b.Stats().Unproven.Load(); n > 0 {
				t.Errorf("%d rewrites failed their proof", n)
			}
		})
	}
}

func TestATemplateIsOfOneKindOfSession(t *testing.T) {
	t.Parallel()
	text := func(i int) string { return fmt.Sprintf("SELECT surname FROM individual WHERE id = %d", i) }
	b := realBinder(Options{Stats: new(Stats)})
	mustRewrite(t, b, pinned("surname"), text(1))
	mustRewrite(t, b, pinned("surname"), text(2))
	for name, change := range map[string]func(*Session){
		"another version":  func(s *Session) { s.Version = "size" },
		"another path":     func(s *Session) { s.SearchPath = []string{"public"} },
		"escaping strings": func(s *Session) { s.StandardStrings = false },
		"LATIN1":           func(s *Session) { s.Encoding = "LATIN1" },
		"no known charset": func(s *Session) { s.Encoding = "MULE_INTERNAL" },
		"changers":         func(s *Session) { s.Changers = true },
	} {
		s := pinned("surname")
		change(s)
		if templateHits(t, b, s, text(3)) != 0 {
			t.Errorf("%s: the template of another session was used", name)
		}
	}
	if templateHits(t, b, pinned("surname"), text(4)) != 1 {
		t.Error("the template was not used")
	}
}

func TestATemplateThatIsWrongIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	text := func(i int) string { return fmt.Sprintf("SELECT surname FROM individual WHERE id = %d", i) }
	wrong := func(in *bindInput) (*bound, error) { // does not rename
		out, err := bind(in)
		if err == nil {
			out.edits, out.tree = nil, mustParse(t, in.sql)
		}
		return out, err
	}
	t.Run("since the second text is bound otherwise", func(t *testing.T) {
		t.Parallel()
		b := realBinder(Options{Stats: new(Stats)})
		mustRewrite(t, b, pinned("surname"), text(1))
		b.bind = wrong
		mustRewrite(t, b, pinned("surname"), text(2))
		b.bind = bind
		if hits := templateHits(t, b, pinned("surname"), text(3), text(4)); hits != 0 || b.Stats().Unproven.Load() != 1 {
			t.Errorf("%d hits, %d unproven", hits, b.Stats().Unproven.Load())
		}
	})
	t.Run("since one that is tried is bound otherwise", func(t *testing.T) {
		t.Parallel()
		b := realBinder(Options{Stats: new(Stats)})
		templateHits(t, b, pinned("surname"), text(1), text(2))
		b.bind = wrong
		hits := 0
		for i := range 2 * auditEvery {
			hits += templateHits(t, b, pinned("surname"), text(i+3))
		}
		if hits != auditEvery-1 || b.Stats().Unproven.Load() != 1 {
			t.Errorf("%d hits, %d unproven", hits, b.Stats().Unproven.Load())
		}
	})
	t.Run("since the server answers otherwise", func(t *testing.T) {
		t.Parallel()
		b := realBinder(Options{Stats: new(Stats)})
		templateHits(t, b, pinned("surname"), text(1), text(2))
		third := mustRewrite(t, b, pinned("surname"), text(3))
		if third.Verify("", 0, []Column{{Label: "last_name", Table: individualOID, Num: 2}}) == nil {
			t.Fatal("the answer is taken for the predicted one")
		}
		if again := mustRewrite(t, b, pinned("surname"), text(3)); !again.refusedWhole() {
			t.Errorf("the text is sent again: %s", again.SQL)
		}
		if hits := templateHits(t, b, pinned("surname"), text(4)); hits != 0 || b.Stats().Unproven.Load() != 0 {
			t.Errorf("%d hits, %d unproven", hits, b.Stats().Unproven.Load())
		}
	})
}

func TestTextsOfATemplateAreCountedTogether(t *testing.T) {
	t.Parallel()
	b := realBinder(Options{Stats: new(Stats)})
	var texts []*Text
	for i := range 4 {
		texts = append(texts, mustRewrite(t, b, pinned("surname"), fmt.Sprintf("SELECT surname FROM individual WHERE id = %d", i)))
	}
	if texts[2].UsedAs() != texts[0] || texts[3].UsedAs() != texts[0] || texts[1].UsedAs() != texts[1] {
		t.Error("they are counted apart")
	}
	if a, b := texts[0].Sample(), texts[3].Sample(); a != b {
		t.Errorf("their samples are %q and %q", a, b)
	}
}

func TestTheTemplatesAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	b := NewBinder(testSnapshot(150000), Options{CacheBytes: 400_000})
	for i := range 1000 {
		mustRewrite(t, b, pinned("surname"), fmt.Sprintf("SELECT surname AS a%d FROM individual WHERE id = 1", i))
	}
	b.templates.known.CleanUp()
	if size := b.templates.known.WeightedSize(); size > 100_000 || size < 50_000 {
		t.Errorf("they weigh %d bytes", size)
	}
}

// tricky are values that mean something where the binder looks into a constant.
var tricky = map[class][]string{
	classString:  {"'individual'", "'person'", "'surname'", "'last_name'", "'public.individual'", "'it''s'", "''", "'{\"surname\": 1}'", "'SELECT surname FROM individual'", "'größe'"},
	classInteger: {"1", "2", "3", "0", "16400", "150000", "007"},
	classDecimal: {"1.5", ".5", "2e3", "1."},
	classBig:     {"2147483648", "9999999999999"},
	classComment: {"/* surname */", " -- individual\n", "\n/* a /* b */ c */ "},
}

// withOthers is a text with other constants and comments of the same classes.
func withOthers(sql string, slots []slot, random *rand.Rand) string {
	var b strings.Builder
	at := 0
	for _, p := range slots {
		b.WriteString(sql[at:p.start])
		if random.IntN(4) == 0 {
			b.WriteString(sql[p.start:p.end])
		} else {
			b.WriteString(tricky[p.class][random.IntN(len(tricky[p.class]))])
		}
		at = p.end
	}
	return b.String() + sql[at:]
}

// FuzzTemplates rewrites texts that differ in constants and comments one after another, and compares each with what binding
// makes of it.
func FuzzTemplates(f *testing.F) {
	mode := uint16(0)
	for _, list := range [][]string{readingStatements, writingStatements, capturingStatements, syntaxtest.Texts} {
		for _, statement := range list {
			mode += 37
			f.Add(inNames(statement, differentialNames[[]string{"old", "new"}[mode%2]]), mode, uint64(mode))
		}
	}
	files, err := filepath.Glob("testdata/introspection/*.sql")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		queries, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for sql := range strings.SplitSeq(string(queries), ";\n") {
			f.Add(sql, uint16(0), uint64(1))
		}
	}
	for _, sql := range []string{
		"SELECT surname FROM person WHERE tableoid::regclass = 'child'", "SELECT surname FROM person WHERE tableoid = 'child'::regclass",
		"SELECT id, surname FROM person WHERE id = 1 ORDER BY 2", "SELECT surname, count(*) FROM person WHERE id > 1 GROUP BY 1",
		"SELECT to_json(p) ->> 'x' FROM person p WHERE id = 1", "SELECT surname FROM person WHERE has_column_privilege('child', 'id', 'SELECT') AND id = 1",
		"SELECT attname FROM pg_attribute WHERE attrelid = 16400 AND attname = 'x'", "SELECT relname FROM pg_class WHERE relname = 'x'",
		"INSERT INTO person (id, surname) VALUES (1, 'x'), (2, 'y') ON CONFLICT (id) DO UPDATE SET surname = 'z' WHERE person.id > 3 RETURNING *",
		"UPDATE person SET surname = 'x' /* a */ WHERE id = -1 -- b", "SELECT p.* FROM person p JOIN orders o ON o.order_id = p.id AND o.note = 'x' LIMIT 3",
		"DELETE FROM person WHERE surname IN ('x', 'y') RETURNING person", "SELECT * FROM person WHERE (id, surname) > (1, 'x') ORDER BY id LIMIT 10 OFFSET 5",
	} {
		f.Add(sql, uint16(0), uint64(2))
	}
	stats := new(Stats)
	var binders []*Binder
	for i := range 3 {
		binders = append(binders, NewBinder(chainSnapshot(f, i), Options{Stats: stats}))
	}
	f.Fuzz(func(t *testing.T, sql string, mode uint16, seed uint64) {
		slots, _, ok := slotsOf(sql)
		if len(sql) > 2000 || !ok || len(slots) == 0 {
			return
		}
		s, b, random := sessionOf(mode), binders[mode>>12%3], rand.New(rand.NewPCG(seed, 1))
		for range 5 {
			other := withOthers(sql, slots, random)
			got := settled(t, b, s, other)
			want, err := b.rewrite(&rewriting{binder: b, session: s, sql: other})
			if err != nil {
				t.Fatal(err)
			}
			compareTexts(t, want, got)
		}
	})
	if stats.Unproven.Load() > 0 {
		f.Errorf("%d rewrites failed their proof", stats.Unproven.Load())
	}
	if hits, misses := stats.TemplateHits.Load(), stats.Misses.Load(); hits < misses/20 {
		f.Errorf("%d texts were rewritten by a template, and %d were bound", hits, misses)
	}
}

// compareTexts demands that two texts do the same, and are told of in the same way.
func compareTexts(t *testing.T, want, got *Text) {
	t.Helper()
	type seen struct {
		SQL, Client, Version, Sample string
		Changed, Ambiguous           bool
		Statements                   []Statement
		Edits                        []splice.Edit
		Checked                      bool
	}
	of := func(x *Text) seen {
		list := slices.Clone(x.Statements)
		for i := range list {
			list[i].plan, list[i].asked = nil, nil
			if list[i].Failure != nil {
				list[i].Failure = &Error{Code: list[i].Failure.Code, Message: list[i].Failure.Message, Position: list[i].Failure.Position}
			}
		}
		return seen{x.SQL, x.Client, x.Version, x.Sample(), x.Changed, x.Ambiguous, list, x.edits, x.Verified()}
	}
	if diff := cmp.Diff(of(want), of(got), cmp.AllowUnexported(Statement{}, Error{}), cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().String() == ".pos"
	}, cmp.Ignore())); diff != "" {
		t.Fatalf("%s\nis bound otherwise than its template says (-bound +template):\n%s", want.Client, diff)
	}
	for position := range utf8.RuneCountInString(got.SQL) + 2 {
		if w, g := want.ClientPosition(position), got.ClientPosition(position); w != g {
			t.Fatalf("%s: position %d is %d, and %d by the template", want.SQL, position, w, g)
		}
	}
}
