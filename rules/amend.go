package rules

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
)

// Amended is the migration with the expressions of a file that corrects them, and the places of the operations that have other ones.
// Up, down and what becomes of a row that they fail for are all that may differ. The error is a *FileError that says what else does.
func (m *Migration) Amended(file *Migration) (*Migration, []int, error) {
	differs := func(key, message string) error {
		return &FileError{File: file.File(), Line: file.line(key), Key: key, Message: message, Hint: "roll the migration back, purge and delete it, and create the file as another one"}
	}
	switch {
	case file.ID != m.ID:
		return nil, nil, &FileError{File: file.File(), Line: file.line("id"), Key: "id", Message: fmt.Sprintf("the file is migration %q, and not %q", file.ID, m.ID)}
	case file.ContractAfter != m.ContractAfter:
		return nil, nil, differs("contract_after", "contract_after is another one, and only up, down and on_error can be corrected")
	case len(file.Waive) != len(m.Waive) || len(m.Waive) > 0 && !reflect.DeepEqual(file.Waive, m.Waive):
		return nil, nil, differs("waive", "what is waived differs, and only up, down and on_error can be corrected")
	case len(file.Operations) != len(m.Operations):
		return nil, nil, differs("operations", fmt.Sprintf("the file has %d operations in place of %d, and only up, down and on_error can be corrected", len(file.Operations), len(m.Operations)))
	}
	out := *m
	out.Operations = append([]Operation(nil), m.Operations...)
	out.Source, out.Digest, out.origin = file.Source, file.Digest, file.origin
	var changed []int
	for i, now := range file.Operations {
		was := m.Operations[i]
		if c, ok := was.(Changing); ok {
			was = c.resolvedAs(nil)
		}
		if reflect.DeepEqual(was, now) {
			continue
		}
		a, ok := was.(ChangeColumns)
		b, ok2 := now.(ChangeColumns)
		corrected := a
		corrected.Up, corrected.Down, corrected.OnError = b.Up, b.Down, b.OnError
		if !ok || !ok2 || a.Map != nil || !reflect.DeepEqual(corrected, b) {
			key := fmt.Sprintf("operations[%d]", i)
			return nil, nil, differs(key, "the operation differs in more than up, down and on_error, which are all that can be corrected")
		}
		out.Operations[i] = b
		changed = append(changed, i)
	}
	return &out, changed, nil
}

var generation = regexp.MustCompile(`^(\d+_\d+)(?:_(\d+))?$`)

// Successor is the key of a change that comes in the place of this one, and the columns that this one leaves.
func (r *ResolvedChange) Successor() (key string, left []string) {
	n := 2
	m := generation.FindStringSubmatch(r.change.Key)
	if m == nil {
		return "", nil
	}
	if m[2] != "" {
		n, _ = strconv.Atoi(m[2])
		n++
	}
	return m[1] + "_" + strconv.Itoa(n), r.compiled.Leaves()
}

// AmendSteps lists what puts corrected changes in the place of those that were there, within the phase in which rows are filled. All
// changes of the migration are at Filling afterwards.
func AmendSteps(was, now *Migration) []Step {
	var out []Step
	for _, c := range now.Changes() {
		before, _ := was.ChangeAt(c.Place)
		a, b := before.Resolved(), c.Resolved()
		if a == nil || b == nil || a.compiled == nil || b.compiled == nil || b.compiled.Alone() {
			continue
		}
		sql := b.compiled.BackToFilling()
		if a.change.Key != b.change.Key {
			sql = a.compiled.Amend(b.compiled)
		}
		out = append(out, gatedSteps(now.Phase, now.Phase, sql)...)
	}
	return out
}
