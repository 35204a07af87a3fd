package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// A spec is the normal form of what a rule file says, as segue.migration keeps it and as the digest is made of: the
// same meaning gives the same bytes, whatever the file's format, comments or spelling.
type spec struct {
	ID            string          `json:"id"`
	Operations    []operationSpec `json:"operations"`
	ContractAfter int64           `json:"contract_after_us"`
	Waive         []Waiver        `json:"waive,omitempty"`
}

// An operationSpec has exactly one field set.
type operationSpec struct {
	RenameColumn *renameColumnSpec `json:"rename_column,omitempty"`
	RenameTable  *RenameTable      `json:"rename_table,omitempty"`
}

type renameColumnSpec struct {
	Table Name   `json:"table"`
	From  string `json:"from"`
	To    string `json:"to"`
}

func (m *Migration) encodeSpec() ([]byte, error) {
	s := spec{ID: m.ID, ContractAfter: m.ContractAfter.Microseconds(), Waive: m.Waive}
	for _, op := range m.Operations {
		switch op := op.(type) {
		case RenameColumn:
			s.Operations = append(s.Operations, operationSpec{RenameColumn: &renameColumnSpec{op.Table, op.From, op.To}})
		case RenameTable:
			s.Operations = append(s.Operations, operationSpec{RenameTable: &op})
		default:
			return nil, fmt.Errorf("operation %T cannot be stored", op)
		}
	}
	return json.Marshal(s)
}

// decodeSpec sets the operations and waivers.
func (m *Migration) decodeSpec(data []byte) error {
	var s spec
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("its stored form cannot be read: %w", err)
	}
	m.Operations, m.Waive = nil, s.Waive
	for i, op := range s.Operations {
		switch {
		case op.RenameColumn != nil:
			m.Operations = append(m.Operations, RenameColumn{Table: op.RenameColumn.Table, From: op.RenameColumn.From, To: op.RenameColumn.To})
		case op.RenameTable != nil:
			m.Operations = append(m.Operations, *op.RenameTable)
		default:
			return fmt.Errorf("operation %d of its stored form is not known to this program; use a newer segue", i+1)
		}
	}
	return nil
}

// digest identifies the meaning of a migration.
func (m *Migration) digest() (string, error) {
	data, err := m.encodeSpec()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
