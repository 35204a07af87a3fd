package rewrite

import (
	"testing"

	"github.com/seguedb/segue/rewrite/ast"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// ranged is ast.Walk by protoreflect's own means.
func ranged(m protoreflect.Message, visit func(proto.Message)) {
	visit(m.Interface())
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Kind() != protoreflect.MessageKind:
		case f.IsList():
			for i := range v.List().Len() {
				ranged(v.List().Get(i).Message(), visit)
			}
		default:
			ranged(v.Message(), visit)
		}
		return true
	})
}

func TestTheWalkVisitsWhatTheReflectionOfProtobufVisits(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		concerned, ordinary, "SELECT", "VALUES (1, 'a'), ((SELECT 2), ARRAY[1, $1])",
		"WITH RECURSIVE w (a) AS (SELECT 1 UNION SELECT a + 1 FROM w) SEARCH DEPTH FIRST BY a SET s SELECT count(*) FILTER (WHERE a > 1) OVER v FROM w WINDOW v AS (ORDER BY a)",
		"INSERT INTO t (a, b[1]) SELECT x.*, (y).z FROM x ON CONFLICT (a) WHERE b DO UPDATE SET (a, b) = (1, DEFAULT) RETURNING t",
		"MERGE INTO t USING s ON t.a = s.a WHEN MATCHED AND s.b THEN UPDATE SET a = 1 WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)",
		"CREATE TABLE t (a int PRIMARY KEY DEFAULT 1, CHECK (a > 0), EXCLUDE USING gist (c WITH &&)) PARTITION BY RANGE (a, lower(b))",
		"CREATE FUNCTION f(a int DEFAULT 1) RETURNS int BEGIN ATOMIC SELECT a; SELECT 2; END",
		"EXPLAIN (ANALYZE, FORMAT json) EXECUTE p (1); COPY (SELECT 1) TO STDOUT WITH (FORMAT csv); GRANT SELECT (a) ON t TO u",
	} {
		tree := mustParse(t, sql)
		want := map[proto.Message]bool{}
		ranged(tree.ProtoReflect(), func(m proto.Message) { want[m] = true })
		visits := 0
		ast.Walk(tree, func(m proto.Message) {
			visits++
			if !want[m] {
				t.Errorf("%s: %T is visited, and not of the tree", sql, m)
			}
		})
		if visits != len(want) {
			t.Errorf("%s: %d of %d messages are visited", sql, visits, len(want))
		}
	}
}
