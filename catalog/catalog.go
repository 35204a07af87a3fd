package catalog

import "slices"

// OID is a PostgreSQL object identifier.
type OID uint32

// Kind is pg_class.relkind.
type Kind byte

// The kinds of relation that a statement can name.
const (
	Table            Kind = 'r'
	PartitionedTable Kind = 'p'
	View             Kind = 'v'
	MaterializedView Kind = 'm'
	ForeignTable     Kind = 'f'
	CompositeType    Kind = 'c'
	Sequence         Kind = 'S'
	Index            Kind = 'i'
	PartitionedIndex Kind = 'I'
)

// A Column is one live row of pg_attribute. System columns are not listed: see IsSystemColumn.
type Column struct {
	Num      int16 // attnum, 1-based, with the gaps that dropped columns leave
	Name     string
	Type     OID
	Typmod   int32
	TypeName string // as format_type prints it
	NotNull  bool
	Default  bool // has a default or is generated
	Identity byte // 'a', 'd' or 0
	Stored   bool // GENERATED ALWAYS AS … STORED

	Inherited int // number of direct parents that it comes from

	Granted bool // somebody has, or had, privileges on it alone
}

// A Relation is one row of pg_class with its columns.
type Relation struct {
	OID      OID
	Schema   string
	Name     string
	Kind     Kind
	RowType  OID      // pg_class.reltype; 0 where there is none
	OfType   OID      // pg_class.reloftype of a typed table
	Columns  []Column // in attnum order
	Parents  []OID    // direct parents: inheritance and partitioning
	Children []OID    // direct children
	Temp     bool
}

// Column finds a live column by its physical name, or returns nil.
func (r *Relation) Column(name string) *Column {
	for i := range r.Columns {
		if r.Columns[i].Name == name {
			return &r.Columns[i]
		}
	}
	return nil
}

// ColumnByNum finds a live column by its attnum, or returns nil.
func (r *Relation) ColumnByNum(num int16) *Column {
	for i := range r.Columns {
		if r.Columns[i].Num == num {
			return &r.Columns[i]
		}
	}
	return nil
}

// A Function is what binding needs to know of one row of pg_proc: how a call in FROM is shaped, and how many
// arguments it takes.
type Function struct {
	OID        OID
	Schema     string
	Name       string
	Kind       byte     // prokind: 'f', 'p', 'a' or 'w'
	Args       int      // input arguments
	Return     OID      // prorettype
	ReturnsSet bool     // proretset
	Out        []string // names of OUT, INOUT and TABLE arguments, in order; "" where unnamed
	OutTypes   []OID    // their types
	ArgTypes   []OID    // proargtypes
	ArgNames   []string // those of the input arguments, "" where unnamed; nil where none has one
	Defaults   int      // how many of the last input arguments may be left out
	Variadic   bool     // the last input argument, an array, may be given as several
}

// A Type is one row of pg_type that is composite, a domain, an array, a range, or that users have made; base types
// that PostgreSQL ships are not listed.
type Type struct {
	OID      OID
	Schema   string
	Name     string
	Relation OID // pg_type.typrelid of a composite type
	Base     OID // pg_type.typbasetype of a domain
	Elem     OID // pg_type.typelem of a true array
	Subtype  OID // pg_range.rngsubtype of a range; the range of a multirange
}

// A Catalog is an immutable index over the relations, functions and types of one database.
// It is safe for concurrent use. What it returns must not be changed.
type Catalog struct {
	ServerVersion int    // server_version_num
	Fingerprint   string // equal fingerprints mean equal catalogs

	SessionChangers []SessionChanger // in order of name
	Makers          []string         // likewise; see session_changers.go
	Cleared         bool             // some function executes texts and is no maker; see cleared.go

	// SchemaAccess is equal for two catalogs where every role may use the same schemas under the same names, so that a
	// search_path leads to the same ones. It is empty where that was not read.
	SchemaAccess string

	shipped *objects // nil when it was not read from a server
	horizon int64    // the oldest transaction that was running when it was read, with its epoch

	relations   map[OID]*Relation
	byName      map[string][]*Relation
	functions   map[string][]*Function
	types       map[OID]*Type
	typesByName map[string][]*Type
	rowTypes    map[OID]*Relation
}

// New indexes the given objects. It keeps them: the caller must not change them afterwards.
func New(serverVersion int, relations []*Relation, functions []*Function, types []*Type) *Catalog {
	c := &Catalog{
		ServerVersion: serverVersion,
		relations:     make(map[OID]*Relation, len(relations)),
		byName:        make(map[string][]*Relation, len(relations)),
		functions:     make(map[string][]*Function, len(functions)),
		types:         make(map[OID]*Type, len(types)),
		typesByName:   make(map[string][]*Type, len(types)),
		rowTypes:      make(map[OID]*Relation, len(relations)),
	}
	for _, r := range relations {
		c.relations[r.OID] = r
		c.byName[r.Name] = append(c.byName[r.Name], r)
		if r.RowType != 0 {
			c.rowTypes[r.RowType] = r
		}
	}
	for _, f := range functions {
		c.functions[f.Name] = append(c.functions[f.Name], f)
	}
	for _, t := range types {
		c.types[t.OID] = t
		c.typesByName[t.Name] = append(c.typesByName[t.Name], t)
	}
	return c
}

// Relation finds a relation by OID, or returns nil.
func (c *Catalog) Relation(oid OID) *Relation { return c.relations[oid] }

// Named lists every relation of that name, in any schema.
func (c *Catalog) Named(name string) []*Relation { return c.byName[name] }

// Lookup finds the relation of that name in that schema, or returns nil.
func (c *Catalog) Lookup(schema, name string) *Relation {
	for _, r := range c.byName[name] {
		if r.Schema == schema {
			return r
		}
	}
	return nil
}

// Functions lists every function, procedure, aggregate and window function of that name, in any schema.
func (c *Catalog) Functions(name string) []*Function { return c.functions[name] }

// EachFunction calls yield for each function, in no order, until it returns false.
func (c *Catalog) EachFunction(yield func(*Function) bool) {
	for _, list := range c.functions {
		for _, f := range list {
			if !yield(f) {
				return
			}
		}
	}
}

// Type finds a type by OID, or returns nil.
func (c *Catalog) Type(oid OID) *Type { return c.types[oid] }

// TypesNamed lists the types of that name, in any schema.
func (c *Catalog) TypesNamed(name string) []*Type { return c.typesByName[name] }

// ByRowType finds the relation whose row type that is, or returns nil.
func (c *Catalog) ByRowType(typ OID) *Relation { return c.rowTypes[typ] }

// Relations calls yield for each relation, in no order, until it returns false.
func (c *Catalog) Relations(yield func(*Relation) bool) {
	for _, r := range c.relations {
		if !yield(r) {
			return
		}
	}
}

// Family lists the relation itself, all its descendants, and all its ancestors: renaming a column of one renames it
// in its descendants, and a lock on one is a lock on them.
func (c *Catalog) Family(oid OID) []OID {
	out := []OID{oid}
	var walk func(OID, func(*Relation) []OID)
	walk = func(o OID, next func(*Relation) []OID) {
		r := c.relations[o]
		if r == nil {
			return
		}
		for _, n := range next(r) {
			if !slices.Contains(out, n) {
				out = append(out, n)
				walk(n, next)
			}
		}
	}
	walk(oid, func(r *Relation) []OID { return r.Children })
	walk(oid, func(r *Relation) []OID { return r.Parents })
	return out
}

// Descendants lists all inheritance children and partitions beneath a relation, each once.
func (c *Catalog) Descendants(oid OID) []OID {
	var out []OID
	var walk func(OID)
	walk = func(o OID) {
		r := c.relations[o]
		if r == nil {
			return
		}
		for _, n := range r.Children {
			if !slices.Contains(out, n) {
				out = append(out, n)
				walk(n)
			}
		}
	}
	walk(oid)
	return out
}

// Ancestors lists all relations that a relation inherits from or is a partition of, each once.
func (c *Catalog) Ancestors(oid OID) []OID {
	var out []OID
	for at := -1; at < len(out); at++ {
		if at >= 0 {
			oid = out[at]
		}
		if r := c.relations[oid]; r != nil {
			for _, p := range r.Parents {
				if !slices.Contains(out, p) {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// IsSystemColumn tells whether name is one of the columns that every table has without showing them.
func IsSystemColumn(name string) bool {
	switch name {
	case "tableoid", "ctid", "xmin", "xmax", "cmin", "cmax":
		return true
	}
	return false
}
