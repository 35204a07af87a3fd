package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A record is the rest of a saved outcome beside the outputs.
type record struct {
	Passed, Failed []string
	Skipped        []string  `json:",omitempty"`
	Refused        []refusal `json:",omitempty"`
	Took           time.Duration
	Files          map[string]*fileRecord
}

const recordFile = "record.json"

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
	b, err := json.MarshalIndent(record{o.passed, o.failed, o.skipped, o.refused, o.took, o.files}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, recordFile), b, 0o644)
}

// load reads what save has written.
func load(dir string) (*outcome, error) {
	b, err := os.ReadFile(filepath.Join(dir, recordFile))
	if err != nil {
		return nil, err
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.out"))
	if err != nil {
		return nil, err
	}
	o := &outcome{outputs: map[string]string{}, passed: r.Passed, failed: r.Failed, skipped: r.Skipped, refused: r.Refused, took: r.Took, files: r.Files}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		o.outputs[strings.TrimSuffix(filepath.Base(f), ".out")] = string(b)
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
