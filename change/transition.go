package change

import (
	"fmt"
	"slices"
	"strings"
)

// Cutover gives the truth to the new side: it gets the defaults, and leads where an INSERT says nothing. It comes after Serve.
func (c *Compiled) Cutover() []string {
	if c.Alone() {
		return nil
	}
	var alter []string
	for _, col := range c.Old {
		if col.Default != "" {
			alter = append(alter, "ALTER COLUMN "+quote(col.Physical)+" DROP DEFAULT")
		}
	}
	for _, col := range c.New {
		if col.Default != "" {
			alter = append(alter, "ALTER COLUMN "+quote(col.Physical)+" SET DEFAULT "+col.Default)
		}
	}
	return append(c.alter(alter), c.Functions(Owned)...)
}

// BackToActive takes Cutover back: the old side owns the truth again.
func (c *Compiled) BackToActive() []string {
	if c.Alone() {
		return nil
	}
	var alter []string
	for _, col := range c.New {
		if col.Default != "" {
			alter = append(alter, "ALTER COLUMN "+quote(col.Physical)+" DROP DEFAULT")
		}
	}
	for _, col := range c.Old {
		if col.Default != "" {
			alter = append(alter, "ALTER COLUMN "+quote(col.Physical)+" SET DEFAULT "+col.Default)
		}
	}
	return append(c.alter(alter), c.Functions(Completing)...)
}

// Contract hides the old side, which is kept in step until Purge, with its constraints: so there is a way back that takes no
// longer, and what the old side cannot hold is seen when it is written.
func (c *Compiled) Contract() []string {
	if c.Alone() {
		return c.contractAlone()
	}
	var out []string
	after := c.Contracted()
	for i, col := range c.Old {
		out = append(out, c.rename(col.Physical, after.Old[i].Physical))
	}
	out = append(out, c.takeIndexNames()...)
	return append(out, after.Functions(Kept)...)
}

// Contracted is the change after Contract, and before Settle.
func (c *Compiled) Contracted() *Compiled {
	after := *c
	after.Old = append([]Column(nil), c.Old...)
	for i := range after.Old {
		after.Old[i].Physical = c.kept(i)
	}
	return &after
}

// BackFromContract takes Contract back.
func (c *Compiled) BackFromContract() []string {
	if c.Alone() {
		return c.backFromContractAlone()
	}
	var out []string
	for i, col := range c.Contracted().Old {
		out = append(out, c.rename(col.Physical, c.Old[i].Physical))
	}
	out = append(out, c.returnIndexNames()...)
	return append(out, c.Functions(Owned)...)
}

// Settle gives the new side its own names, where those were in use. It comes after Contract.
func (c *Compiled) Settle() []string {
	if c.Alone() {
		return nil
	}
	var out []string
	after := c.Settled()
	for _, col := range c.New {
		if col.Physical != col.Name {
			out = append(out, c.rename(col.Physical, col.Name))
		}
	}
	if len(out) == 0 {
		return nil
	}
	return append(out, after.Functions(Kept)...)
}

// Settled is the change after Contract and Settle.
func (c *Compiled) Settled() *Compiled {
	after := c.Contracted()
	after.New = append([]Column(nil), c.New...)
	for i := range after.New {
		after.New[i].Physical = c.New[i].Name
	}
	return after
}

// Rollback takes Expand back and drops no column: what only the new side holds can still be looked at until Purge.
func (c *Compiled) Rollback() []string {
	if c.Alone() {
		return c.rollbackAlone()
	}
	out := slices.Concat(c.dropTriggers("first", "last"), c.dropFunctions(), c.dropIndexes(), c.forget())
	var alter []string
	for _, what := range c.constraints() {
		alter = append(alter, "DROP CONSTRAINT IF EXISTS "+quote(c.constraint(what)))
	}
	for _, col := range c.New {
		if col.NotNull {
			alter = append(alter, "ALTER COLUMN "+quote(col.Physical)+" DROP NOT NULL") // nobody fills it any more
		}
	}
	alter = append(alter, "ALTER COLUMN "+quote(c.Marker())+" SET DEFAULT 0")
	out = append(out, c.alter(alter)...)
	for i, col := range c.New {
		out = append(out, c.rename(col.Physical, c.withdrawn(i)))
	}
	return out
}

// PurgeRolledBack drops what Rollback has left.
func (c *Compiled) PurgeRolledBack() []string {
	if c.Alone() {
		return c.dropAlone(c.New, c.withdrawn)
	}
	var drop []string
	for i := range c.New {
		drop = append(drop, "DROP COLUMN IF EXISTS "+quote(c.withdrawn(i)))
	}
	return c.alter(append(append(drop, "DROP COLUMN IF EXISTS "+quote(c.Marker())), c.dropLeft()...))
}

// Purge drops the old side and all that kept it in step. It comes after Settle.
func (c *Compiled) Purge() []string {
	if c.Alone() {
		return c.dropAlone(c.Old, c.kept)
	}
	out := append(c.dropTriggers("first", "last"), c.dropFunctions()...)
	var drop []string
	for _, what := range c.constraints() {
		drop = append(drop, "DROP CONSTRAINT IF EXISTS "+quote(c.constraint(what)))
	}
	for i := range c.Old {
		drop = append(drop, "DROP COLUMN IF EXISTS "+quote(c.kept(i)))
	}
	return append(out, c.alter(append(append(drop, "DROP COLUMN IF EXISTS "+quote(c.Marker())), c.dropLeft()...))...)
}

// constraints lists what the names of the change's CHECKs are made of.
func (c *Compiled) constraints() []string {
	out := []string{"step", "full"}
	for i := range c.New {
		out = append(out, c.notNull(i))
	}
	return out
}

func (c *Compiled) alter(commands []string) []string {
	if len(commands) == 0 {
		return nil
	}
	return []string{"ALTER TABLE " + c.Table.SQL() + " " + strings.Join(commands, ", ")}
}

func (c *Compiled) rename(from, to string) string {
	return fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", c.Table.SQL(), quote(from), quote(to))
}
