package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// A spec is the normal form of what a rule file says, in which it is stored and of which the digest is made: the same
// meaning gives the same bytes, whatever the file's format, comments or spelling.
type spec struct {
	ID            string            `json:"id"`
	Operations    []storedOperation `json:"operations"`
	ContractAfter int64             `json:"contract_after_us"`
	Waive         []Waiver          `json:"waive,omitempty"`
}

// Encode is the normal form of what the migration's rule file says. Two files that mean the same have the same.
func (m *Migration) Encode() ([]byte, error) {
	s := spec{ID: m.ID, ContractAfter: m.ContractAfter.Microseconds(), Waive: m.Waive}
	for _, op := range m.Operations {
		s.Operations = append(s.Operations, storedOperation{op})
	}
	return json.Marshal(s)
}

// Decode makes a migration of its normal form. file is the name of the rule file, for messages. What is not of the rule
// file (Source, Digest, Phase, Seq and the times) is left for the caller to set. An operation that this program does not
// know is an error.
func Decode(file string, normal []byte) (*Migration, error) {
	var s spec
	if err := json.Unmarshal(normal, &s); err != nil {
		return nil, fmt.Errorf("its stored form cannot be read: %w", err)
	}
	m := &Migration{ID: s.ID, ContractAfter: time.Duration(s.ContractAfter) * time.Microsecond, Waive: s.Waive, origin: &origin{file: file}}
	for _, op := range s.Operations {
		m.Operations = append(m.Operations, op.Operation)
	}
	return m, nil
}

// digest identifies the meaning of a migration.
func (m *Migration) digest() (string, error) {
	data, err := m.Encode()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
