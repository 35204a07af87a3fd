package change

import "slices"

// grants gives those who have a privilege on every column of the old side, and not on the table, the same on the new side, and
// what statements that Segue rewrites need on the marker. Who has it on some of them could else read more than before.
func (c *Compiled) grants() []string {
	var out []string
	marker := map[string][]string{} // the privileges on the marker, by role
	for _, g := range c.Grants {
		if slices.ContainsFunc(c.Old, func(o Column) bool { return !slices.Contains(g.Columns, o.Name) }) {
			continue
		}
		option := ""
		if g.Grantable {
			option = " WITH GRANT OPTION"
		}
		out = append(out, "GRANT "+g.Privilege+" ("+list(physical(c.New))+") ON "+c.Table.SQL()+" TO "+role(g.Role)+option)
		need := []string{g.Privilege}
		switch g.Privilege {
		case "UPDATE":
			need = append(need, "SELECT") // a flip reads it
		case "REFERENCES":
			continue
		}
		for _, p := range need {
			if !slices.Contains(marker[g.Role], p) {
				marker[g.Role] = append(marker[g.Role], p)
				out = append(out, "GRANT "+p+" ("+quote(c.Marker())+") ON "+c.Table.SQL()+" TO "+role(g.Role))
			}
		}
	}
	return out
}

func role(name string) string {
	if name == "" {
		return "PUBLIC"
	}
	return quote(name)
}

func list(names []string) string {
	out := ""
	for i, n := range names {
		if i > 0 {
			out += ", "
		}
		out += quote(n)
	}
	return out
}
