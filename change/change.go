package change

import (
	"errors"
	"fmt"
	"regexp"
)

// A Change describes two sets of columns of one table that are to be kept in step. Names in it are as the catalog has them,
// unquoted; types, defaults and expressions are SQL, in which everything outside of pg_catalog is qualified.
type Change struct {
	Key    string   // tells the change from all others of its database, as 7_1 does: letters, digits and _, at most 20 bytes
	Table  Name     // as the database calls it now
	Alias  string   // what expressions call the table; "" for its name
	Heirs  []Name   // children of plain inheritance, which get triggers of their own. Partitions are none
	Old    []Column // the old side
	New    []Column // the new side
	Up     Map      // an expression over the old side for each column of the new one
	Down   Map      // an expression over the new side for each column of the old one
	Grants []Grant  // privileges on single columns of the old side

	Indexes []Index // that the new side is to have before its version is served

	Elsewhere []string          // columns of the table that other changes beside this one take
	Left      []string          // columns of changes in whose place this one has come; purge drops them
	Reads     []string          // tables that expressions read, as they name them
	Lookups   []Lookup          // the same tables, and what is to become of rows when theirs are written
	Pins      map[string]string // settings that expressions depend on, with the value that counts
	Lossy     bool              // down(up(x)) may differ from x, and up(down(x)) too
	Exact     bool              // both directions are exact for every value: bijective in rule files
	NullOK    bool              // a side may be NULL as a whole while the other is not
	Defer     bool              // a row of which up cannot be computed is left for later, as long as rows are filled
	DownFail  *DownFail         // what the old side gets for a row that it cannot hold

	// UpKeepsNull and DownKeepsNull say that every expression of Up, or of Down, is NULL exactly where a column is that it reads.
	UpKeepsNull, DownKeepsNull bool

	// Inline says that the expressions may stand in CHECKs, in conditions of triggers and in statements of clients: they
	// are immutable, depend on no setting, and read no table.
	Inline bool

	// Others says that the table has BEFORE ROW triggers which are not Segue's.
	Others bool
}

// A Name is that of a table.
type Name struct{ Schema, Name string }

// A Column is one column of a side.
type Column struct {
	Name      string // in its version; expressions use it
	Physical  string // in the database now; "" for one that Compile chooses
	Type      string // as format_type prints it
	Collation string // qualified and quoted as in SQL; "" for the type's
	NotNull   bool
	Default   string // an expression; "" for none
	Constant  bool   // the default is a constant
}

// A Map has an expression for each column, by the column's name in its version.
type Map map[string]string

// DownFail is what the old side gets where it cannot hold the new one.
type DownFail struct {
	When string // a condition over the new side
	Then Map    // for each column of the old side
}

// A Grant is a set of privileges that a role has on columns, and not on their table.
type Grant struct {
	Role      string // "" for PUBLIC
	Privilege string // SELECT, INSERT, UPDATE or REFERENCES
	Columns   []string
	Grantable bool
}

var errNotOfSide = errors.New("it is not a column of that side")

var validKey = regexp.MustCompile(`^[A-Za-z0-9_]{1,20}$`)

// Compiled is a change whose statements can be made. It never changes, and can be used by several goroutines.
type Compiled struct {
	Change
	without map[Guard]bool
	up      []*expression // in the order of New
	down    []*expression // in the order of Old
	fails   *expression   // DownFail.When
	failed  []*expression // DownFail.Then, in the order of Old
	beside  []*Compiled   // other changes of the same table, with which its rows are filled
}

// Compile checks a description, chooses the physical names, and reads the expressions. What the names mean in a database, and
// whether types fit, is not for it to say.
func Compile(c Change, options ...Option) (*Compiled, error) {
	out := &Compiled{Change: c, without: map[Guard]bool{}}
	for _, o := range options {
		o(out)
	}
	switch {
	case !validKey.MatchString(c.Key):
		return nil, fmt.Errorf("%q cannot be the key of a change", c.Key)
	case len(c.Old) == 0 && len(c.New) == 0:
		return nil, errors.New("a change has columns")
	case c.Alone() && (len(c.Reads) > 0 || c.DownFail != nil):
		return nil, errors.New("a change with columns on one side only keeps nothing in step")
	case len(c.Lookups) > 0 && len(c.Lookups) != len(c.Reads):
		return nil, errors.New("every table that is read is looked up")
	case c.Inline && len(c.Reads) > 0:
		return nil, errors.New("expressions that read tables cannot be inlined")
	}
	if out.Alias == "" {
		out.Alias = c.Table.Name
	}
	out.chooseNames()
	return out, out.readExpressions()
}

// readExpressions reads up, down and what depends on them.
func (c *Compiled) readExpressions() (err error) {
	if c.Alone() {
		return c.readAlone()
	}
	if c.up, err = c.readMap("up", c.Up, c.New, c.Old); err != nil {
		return err
	}
	if c.down, err = c.readMap("down", c.Down, c.Old, c.New); err != nil {
		return err
	}
	if c.DownFail == nil {
		return nil
	}
	if c.fails, err = readExpression(c.DownFail.When, c.Alias, c.New); err != nil {
		return problem("down_fail.when", "", err)
	}
	c.failed, err = c.readMap("down_fail.value", c.DownFail.Then, c.Old, c.New)
	return err
}

// An ExpressionError is what is wrong with the text of an expression.
type ExpressionError struct {
	Map     string   // "up", "down", "down_fail.when" or "down_fail.value"
	Column  string   // the one that the expression makes; "" for down_fail.when
	Message string   // one clause
	Unknown string   // a name in it that is none of Known; "" where that is not the mistake
	Known   []string // columns that it can name
}

func (e *ExpressionError) Error() string {
	if e.Column == "" {
		return e.Map + ": " + e.Message
	}
	return e.Map + " of " + e.Column + ": " + e.Message
}

func problem(what, column string, err error) error {
	e := &ExpressionError{Map: what, Column: column, Message: err.Error()}
	if unknown, ok := errors.AsType[*unknownColumn](err); ok {
		e.Unknown = unknown.name
		for _, c := range unknown.side {
			e.Known = append(e.Known, c.Name)
		}
	}
	return e
}

func (c *Compiled) readMap(what string, m Map, to, from []Column) ([]*expression, error) {
	var out []*expression
	for _, col := range to {
		text, ok := m[col.Name]
		if !ok {
			return nil, fmt.Errorf("%s has no expression for %s", what, col.Name)
		}
		e, err := readExpression(text, c.Alias, from)
		if err != nil {
			return nil, problem(what, col.Name, err)
		}
		out = append(out, e)
	}
	if len(m) > len(to) {
		return nil, fmt.Errorf("%s has an expression for a column that is not of its side", what)
	}
	return out, nil
}
