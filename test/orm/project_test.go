package orm

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// everyStage has each tool for migrations run as either version in every phase, as make conformance does. Otherwise each
// runs in one of them, by turns.
var everyStage = flag.Bool("every-stage", false, "run the tools for migrations as either version in every phase")

var projectStages = []stage{
	{"as the old version after cutover", rules.Cutover, rules.Base, oldNames},
	{"as the new version before cutover", rules.Active, "surname", newNames},
	{"as the new version after cutover", rules.Cutover, "surname", newNames},
	{"as the old version before cutover", rules.Active, rules.Base, oldNames},
}

// A step is one migration of the project, in the names of a version.
type step struct {
	name     string
	up, down []string // statements
}

// project reads the steps of testdata/project: what a team that knows nothing of Segue writes in some months.
func project(t *testing.T, names Names) []step {
	t.Helper()
	var steps []step
	for _, part := range strings.Split(fill(t, "project/migrations.sql", names), "-- migration: ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		up, down, _ := strings.Cut(body, "-- down\n")
		steps = append(steps, step{name, statements(up), statements(down)})
	}
	return steps
}

// statements are what empty lines part.
func statements(text string) []string {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n\n")
}

// A tool for migrations writes a project in its own form into a folder, and migrates: up, some steps down, and up again.
type tool struct {
	write func(t *testing.T, folder string, steps []step)
	run   func(t *testing.T, db database, folder string)
}

// migrates runs a tool on a database in each of its stages, and compares the schema, the rows, and what an app meets
// afterwards with what the tool leaves in a database that has the names of the version.
func (tl tool) migrates(t *testing.T, turn int) {
	t.Parallel()
	stages := projectStages
	if !*everyStage {
		stages = stages[turn%len(stages):][:1]
	}
	inStages(t, "project/before.sql", "project/rules.yaml", stages, func(t *testing.T, db database) string {
		folder := t.TempDir()
		tl.write(t, folder, project(t, db.Names))
		tl.run(t, db, folder)
		return dumped(t, db) + printed(t, db, "", fill(t, "project/after.sql", db.Names), pgtest.Bin("psql"), "-X", "-a")
	})
}

// dumped is the schema and the rows, without what the tools keep of their own, and without the bodies of functions: they
// have the database's names (see docs/how-a-rename-works.md), and what they do shows in the rows.
func dumped(t *testing.T, db database) string {
	t.Helper()
	text := printed(t, db, "", "", pgtest.Bin("pg_dump"), "--exclude-schema=segue", "--exclude-schema=sqitch", "--inserts",
		"--exclude-table=goose_db_version*", "--exclude-table=pgmigrations*")
	return volatileOfDump.ReplaceAllString(bodyOfDump.ReplaceAllString(text, "AS BODY;"), "")
}

var (
	bodyOfDump     = regexp.MustCompile(`(?s)AS \$(_?)\$.*?\$_?\$;`)
	volatileOfDump = regexp.MustCompile(`(?m)^\\(un)?restrict .*\n`) // newer releases put another token there each time
)

// writeFiles writes one file for each step.
func writeFiles(t *testing.T, folder string, steps []step, name func(i int, s step) string, content func(s step) string) {
	t.Helper()
	for i, s := range steps {
		path := filepath.Join(folder, name(i+1, s))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content(s)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// joined is statements as one text.
func joined(statements []string) string { return strings.Join(statements, "\n\n") + "\n" }

// url is the database as programs take it that read no environment.
func (d database) url(scheme string, more string) string {
	u := fmt.Sprintf("%s://%s@%s:%s/%s?sslmode=disable%s", scheme, d.user, d.host, d.port, d.name, more)
	if d.options != "" {
		u += "&options=" + strings.NewReplacer(" ", "%20", "=", "%3D").Replace(d.options)
	}
	return u
}
