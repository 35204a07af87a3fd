package main

import (
	"os"
	"path/filepath"
	"strings"
)

// asExpectedFile lists the files of an outcome that are as PostgreSQL expects.
const asExpectedFile = "as-expected"

// save writes the outputs to a folder.
func (o *outcome) save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range o.outputs {
		if err := os.WriteFile(filepath.Join(dir, name+".out"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, asExpectedFile), []byte(strings.Join(o.passed, "\n")), 0o644)
}

// load reads what save has written.
func load(dir string) (*outcome, error) {
	passed, err := os.ReadFile(filepath.Join(dir, asExpectedFile))
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.out"))
	if err != nil {
		return nil, err
	}
	o := &outcome{outputs: map[string]string{}, passed: strings.Fields(string(passed))}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		o.outputs[strings.TrimSuffix(filepath.Base(f), ".out")] = string(b)
	}
	for name := range o.outputs {
		if !strings.Contains("\n"+string(passed)+"\n", "\n"+name+"\n") {
			o.failed = append(o.failed, name)
		}
	}
	return o, nil
}

// scripts reads the instrumented scripts of the files that ran.
func (r *regression) scripts(o *outcome) (map[string]string, error) {
	out := map[string]string{}
	for name := range o.outputs {
		b, err := os.ReadFile(filepath.Join(r.suite, "regress", "sql", name+".sql"))
		if err != nil {
			return nil, err
		}
		out[name] = instrument(name, string(b))
	}
	return out, nil
}
