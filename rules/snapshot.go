package rules

import (
	"fmt"

	"github.com/seguedb/segue/catalog"
)

// A Snapshot is everything that serving a statement needs, at one epoch. It is immutable and shared: sessions compare
// snapshots by pointer to see whether anything has changed.
type Snapshot struct {
	Epoch      int64
	Migrations []*Migration      // every stored migration, in order of Seq
	Lenses     map[string]*Lens  // by the id of each version that is served, Base included; empty when nothing is live
	Aliases    map[string]string // contracted ids to the version that they mean now
	Catalog    *catalog.Catalog  // nil when nothing is live
	Tables     []catalog.OID     // every table under a live migration, partitions and inheritance children included

	// Identifiers are the words through which a table under migration can be seen, folded to lower case: its names in
	// any live version, and those of the functions, columns, domains and tables that use its row type.
	Identifiers []string

	LookedUp []LookedUp // tables in which changes look values up, and which stay as they are meanwhile

	// StoredNames are the IDs of the NameMaps that are stored in the database for all roles to read. Whoever makes the
	// snapshot adds them before it is shared.
	StoredNames map[string]bool
}

// A NameMap is a JSON object of names that the catalogs show to a version, under a hash of it. What is under a hash never
// changes, so whoever finds one has what he looked for.
type NameMap struct {
	ID    string
	Names string
}

// Live tells whether any migration is live: when none is, no statement is looked at.
func (s *Snapshot) Live() bool { return len(s.Lenses) > 0 }

// Lens finds the lens of a version, following aliases; nil if that version is not served.
func (s *Snapshot) Lens(version string) *Lens {
	if to, ok := s.Aliases[version]; ok {
		version = to
	}
	return s.Lenses[version]
}

// Versions lists the versions that are served, in order: Base first, then each live migration's but those that are not complete
// yet.
func (s *Snapshot) Versions() []string {
	out := []string{Base}
	for _, m := range s.Migrations {
		if m.Phase.Live() && s.Lenses[m.ID] != nil {
			out = append(out, m.ID)
		}
	}
	return out
}

// Chosen is Lens for a session that has chosen the version: nil, too, where BaseEnded has a reason.
func (s *Snapshot) Chosen(version string) *Lens {
	if why, _ := s.BaseEnded(version); why != "" {
		return nil
	}
	return s.Lens(version)
}

// BaseEnded says, with a hint, why a session is not served that says that it is of Base; "" for all others and mostly. It is so after a
// contract that has given a name of the version before it to a column of another meaning, as long as the old columns are kept and
// nothing is live: who has not heard of it would read the one for the other.
func (s *Snapshot) BaseEnded(version string) (reason, hint string) {
	if version != Base {
		return "", ""
	}
	var ends *Migration
	for _, m := range s.Migrations {
		switch {
		case m.Phase.Live():
			return "", ""
		case m.Phase == Contracted && m.reuses():
			ends = m
		}
	}
	if ends == nil {
		return "", ""
	}
	return fmt.Sprintf("schema version %q is not served: %q has ended it, and a column has the name of one that meant something else", Base, ends.ID),
		fmt.Sprintf("Take apps away that were written for the old columns; others choose version %q, or none. \"segue purge %[1]s\" drops the old columns and ends this check.", ends.ID)
}

// Migration finds a stored migration by id, or returns nil.
func (s *Snapshot) Migration(id string) *Migration {
	for _, m := range s.Migrations {
		if m.ID == id {
			return m
		}
	}
	return nil
}
