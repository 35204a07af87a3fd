package admin

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// silent is a control that nobody asks anything.
type silent struct{ Control }

func (silent) Ready() error              { return nil }
func (silent) Outage() *migrate.Outage   { return nil }
func (silent) PendingFor() time.Duration { return 0 }
func (silent) Snapshot() *rules.Snapshot { return nil }

type description struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas map[string]struct {
			Properties map[string]json.RawMessage
		}
	}
}

func described(t *testing.T) description {
	t.Helper()
	var d description
	dec := json.NewDecoder(bytes.NewReader(openAPI))
	if err := dec.Decode(&d); err != nil {
		t.Fatal(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		t.Fatalf("openapi.json goes on after its end: %v", err)
	}
	return d
}

func TestOpenAPIDescribesEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Control: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, rt := range s.routes(nil) {
		query := slices.Clone(rt.query)
		sort.Strings(query)
		path := strings.TrimSuffix(rt.path, "{$}")
		want = append(want, rt.method+" "+path+" "+strings.Join(query, ","))
	}
	for path, ops := range described(t).Paths {
		for method, raw := range ops {
			if method == "parameters" {
				continue
			}
			var op struct{ Parameters []struct{ Name, In string } }
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatal(err)
			}
			var query []string
			for _, p := range op.Parameters {
				if p.In == "query" {
					query = append(query, p.Name)
				}
			}
			sort.Strings(query)
			got = append(got, strings.ToUpper(method)+" "+path+" "+strings.Join(query, ","))
		}
	}
	sort.Strings(want)
	sort.Strings(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-served +described):\n%s", diff)
	}
}

func TestOpenAPIDescribesEveryKey(t *testing.T) {
	t.Parallel()
	schemas := described(t).Components.Schemas
	for name, v := range map[string]any{
		"Migration": migrate.Status{}, "Operation": migrate.OperationView{}, "Pending": migrate.Pending{},
		"Progress": migrate.Progress{}, "Deferred": migrate.Deferred{}, "DeferredRow": migrate.DeferredRow{}, "IndexBuild": migrate.IndexBuild{}, "Blocker": migrate.Blocker{}, "Step": migrate.Step{}, "Event": migrate.Event{},
		"Usage": migrate.Usage{}, "Instance": migrate.InstanceInfo{}, "Session": migrate.SessionInfo{}, "RefusedStatements": migrate.RefusedStatements{},
		"Problem": Problem{}, "Finding": assess.Finding{}, "Object": assess.Object{}, "RewriteRequest": RewriteRequest{}, "RewriteResult": RewriteResult{},
		"RewrittenStatement": RewrittenStatement{}, "ExitSQL": ExitSQL{}, "Migrations": Migrations{},
		"Plan": Plan{}, "Assessment": Assessment{}, "Usages": Usage{}, "Transitions": Transitions{}, "Health": Health{},
		"Outage": migrate.Outage{}, "Cancelled": Cancelled{}, "Overview": migrate.Overview{},
		"MigrationOverview": migrate.MigrationOverview{}, "OldNames": migrate.OldNames{}, "VersionSessions": migrate.VersionSessions{},
		"Held": migrate.Held{},
	} {
		p := reflect.New(reflect.TypeOf(v))
		want := jsonKeys(p.Interface())
		sort.Strings(want)
		var got []string
		for key := range schemas[name].Properties {
			got = append(got, key)
		}
		sort.Strings(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-sent +described):\n%s", name, diff)
		}
	}
}

func TestOpenAPIReferencesResolve(t *testing.T) {
	t.Parallel()
	var root any
	if err := json.Unmarshal(openAPI, &root); err != nil {
		t.Fatal(err)
	}
	seen := 0
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				seen++
				at := root
				for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
					next, _ := at.(map[string]any)
					at = next[part]
				}
				if at == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(root)
	if seen == 0 {
		t.Error("no reference was found")
	}
}

func TestOpenAPINamesTheGroupsOfHazards(t *testing.T) {
	t.Parallel()
	var group struct{ Enum []assess.Group }
	if err := json.Unmarshal(described(t).Components.Schemas["Finding"].Properties["group"], &group); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(assess.Groups(), group.Enum); diff != "" {
		t.Errorf("the groups of hazards that are described (-known +described):\n%s", diff)
	}
}

func TestOpenAPINamesTheKindsOfOperations(t *testing.T) {
	t.Parallel()
	var kind struct{ Enum []string }
	if err := json.Unmarshal(described(t).Components.Schemas["Operation"].Properties["kind"], &kind); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rules.OperationKinds(), kind.Enum); diff != "" {
		t.Errorf("the kinds of operations that are described (-known +described):\n%s", diff)
	}
}
