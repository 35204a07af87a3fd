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
	ID            string            `json:"id"`
	Operations    []storedOperation `json:"operations"`
	ContractAfter int64             `json:"contract_after_us"`
	Waive         []Waiver          `json:"waive,omitempty"`
}

func (m *Migration) encodeSpec() ([]byte, error) {
	s := spec{ID: m.ID, ContractAfter: m.ContractAfter.Microseconds(), Waive: m.Waive}
	for _, op := range m.Operations {
		s.Operations = append(s.Operations, storedOperation{op})
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
	for _, op := range s.Operations {
		m.Operations = append(m.Operations, op.Operation)
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
