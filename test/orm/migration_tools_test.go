package orm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGolangMigrateEndsAsDirectly(t *testing.T) {
	tool{
		write: func(t *testing.T, folder string, steps []step) {
			writeFiles(t, folder, steps, func(i int, s step) string { return fmt.Sprintf("%06d_%s.up.sql", i, s.name) },
				func(s step) string { return joined(s.up) })
			writeFiles(t, folder, steps, func(i int, s step) string { return fmt.Sprintf("%06d_%s.down.sql", i, s.name) },
				func(s step) string { return joined(s.down) })
		},
		run: func(t *testing.T, db database, folder string) {
			for _, command := range [][]string{{"up"}, {"down", "4"}, {"up"}} {
				printed(t, db, "", "", installed(t, "migrate"), append([]string{"-path", folder, "-database", db.url("postgres", "")}, command...)...)
			}
		},
	}.migrates(t, 0)
}

func TestGooseEndsAsDirectly(t *testing.T) {
	tool{
		write: func(t *testing.T, folder string, steps []step) {
			writeFiles(t, folder, steps, func(i int, s step) string { return fmt.Sprintf("%05d_%s.sql", i, s.name) },
				func(s step) string { return "-- +goose Up\n" + forGoose(s.up) + "-- +goose Down\n" + forGoose(s.down) })
		},
		run: func(t *testing.T, db database, folder string) {
			for _, command := range []string{"up", "down", "down", "up"} {
				printed(t, db, "", "", installed(t, "goose"), "-dir", folder, "postgres", db.url("postgres", ""), command)
			}
		},
	}.migrates(t, 1)
}

// forGoose marks the statements that it must not part at semicolons, and leaves every other one to its own parser.
func forGoose(statements []string) string {
	var b strings.Builder
	for _, s := range statements {
		if strings.Contains(s, "$$") {
			s = "-- +goose StatementBegin\n" + s + "\n-- +goose StatementEnd"
		}
		b.WriteString(s + "\n\n")
	}
	return b.String()
}

func TestNodePgMigrateEndsAsDirectly(t *testing.T) {
	tool{
		write: func(t *testing.T, folder string, steps []step) {
			writeFiles(t, folder, steps, func(i int, s step) string { return fmt.Sprintf("%d_%s.sql", 1_700_000_000_000+i, s.name) },
				func(s step) string {
					return "-- Up Migration\n" + joined(s.up) + "\n-- Down Migration\n" + joined(s.down)
				})
		},
		run: func(t *testing.T, db database, folder string) {
			program := filepath.Join(nodeModules(t), "node-pg-migrate", "bin", "node-pg-migrate.js")
			for _, command := range [][]string{{"up"}, {"down", "3"}, {"up"}} {
				printed(t, db, "", "", "env", append([]string{"DATABASE_URL=" + db.url("postgres", ""), "NODE_NO_WARNINGS=1", "node", program,
					"--migrations-dir", folder}, command...)...)
			}
		},
	}.migrates(t, 2)
}

func TestAlembicEndsAsDirectly(t *testing.T) {
	tool{
		write: func(t *testing.T, folder string, steps []step) {
			before := "None"
			writeFiles(t, folder, steps, func(i int, s step) string { return fmt.Sprintf("versions/%03d_%s.py", i, s.name) },
				func(s step) string {
					text := fmt.Sprintf("from alembic import op\n\nrevision = %q\ndown_revision = %s\n\ndef upgrade():\n%s\ndef downgrade():\n%s",
						s.name, before, forAlembic(s.up), forAlembic(s.down))
					before = fmt.Sprintf("%q", s.name)
					return text
				})
			for _, file := range []string{"alembic.ini", "env.py"} {
				text, err := os.ReadFile("testdata/project/alembic/" + file)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, file), text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		},
		run: func(t *testing.T, db database, folder string) {
			for _, command := range [][]string{{"upgrade", "head"}, {"downgrade", "-3"}, {"upgrade", "head"}} {
				printed(t, db, folder, "", "/usr/bin/python3", append([]string{"-m", "alembic.config"}, command...)...)
			}
		},
	}.migrates(t, 3)
}

// forAlembic sends all statements of a step as one string, as people do who paste a script.
func forAlembic(statements []string) string {
	if len(statements) == 0 {
		return "    pass\n"
	}
	return fmt.Sprintf("    op.execute(r\"\"\"%s\"\"\")\n", strings.ReplaceAll(joined(statements), ":", `\:`))
}

func TestSqitchEndsAsDirectly(t *testing.T) {
	tool{
		write: func(t *testing.T, folder string, steps []step) {
			plan := "%syntax-version=1.0.0\n%project=shop\n\n"
			for i, s := range steps {
				plan += fmt.Sprintf("%s 2026-11-01T10:00:%02dZ Ada <ada@example.org> # %s\n", s.name, i, s.name)
			}
			for name, content := range map[string]string{"sqitch.plan": plan, "sqitch.conf": "[core]\n\tengine = pg\n[user]\n\tname = Ada\n\temail = ada@example.org\n"} {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for kind, part := range map[string]func(s step) []string{
				"deploy": func(s step) []string { return s.up }, "revert": func(s step) []string { return s.down },
				"verify": func(s step) []string { return []string{"SELECT 1;"} },
			} {
				writeFiles(t, folder, steps, func(_ int, s step) string { return kind + "/" + s.name + ".sql" },
					func(s step) string { return "BEGIN;\n\n" + joined(part(s)) + "\nCOMMIT;\n" })
			}
		},
		run: func(t *testing.T, db database, folder string) {
			target := fmt.Sprintf("db:pg://%s@%s:%s/%s", db.user, db.host, db.port, db.name)
			for _, command := range [][]string{{"deploy"}, {"revert", "-y", "--to", "labels"}, {"deploy"}, {"verify"}} {
				printed(t, db, folder, "", "/usr/bin/sqitch", append(command, target)...)
			}
		},
	}.migrates(t, 0)
}
