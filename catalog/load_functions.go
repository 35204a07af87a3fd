package catalog

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const functionsSQL = `
	SELECT p.oid, n.nspname::pg_catalog.text, p.proname::pg_catalog.text, p.prorettype, p.proretset,
	       p.proargtypes::pg_catalog.oid[], p.proargmodes::pg_catalog.text[], p.proargnames, p.proallargtypes,
	       p.prokind::pg_catalog.text, p.pronargdefaults, p.provariadic <> 0::pg_catalog.oid
	FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
	WHERE %s
	ORDER BY p.oid`

func readFunctions(ctx context.Context, q Querier, which selection) (out []*Function, err error) {
	err = forEach(ctx, q, which.in(functionsSQL, "p.oid"), which.args, func(rows pgx.Rows) error {
		f := new(Function)
		var modes, names []string
		var types []OID
		var kind string
		if err := rows.Scan(&f.OID, &f.Schema, &f.Name, &f.Return, &f.ReturnsSet, &f.ArgTypes, &modes, &names, &types,
			&kind, &f.Defaults, &f.Variadic); err != nil {
			return err
		}
		f.Args = len(f.ArgTypes)
		f.Kind = kind[0]
		if modes == nil {
			f.ArgNames = names
		}
		for i, mode := range modes {
			name := ""
			if i < len(names) {
				name = names[i]
			}
			if mode != "o" && mode != "t" && names != nil {
				f.ArgNames = append(f.ArgNames, name)
			}
			if mode == "o" || mode == "b" || mode == "t" {
				f.Out = append(f.Out, name)
				f.OutTypes = append(f.OutTypes, types[i])
			}
		}
		out = append(out, f)
		return nil
	})
	return out, err
}
