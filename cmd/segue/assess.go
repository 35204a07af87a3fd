package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/assess"
)

func newAssess(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "assess ID|FILE", Short: "Check a stored migration, or a rule file before it is stored", Args: takesOne("the id of a migration, or a rule file"),
		Long: "Assess tells what is in the way of a migration and what to know before its next transition. A name that\n" +
			"is a file (or - for standard input) is assessed without being stored. It exits 1 when something is in the way.",
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			found, err := assessment(cmd, c, args[0])
			if err != nil {
				return err
			}
			if err := o.emit(found, func(w io.Writer) { writeFindings(w, found) }); err != nil {
				return err
			}
			for _, f := range found.Findings {
				if f.Severity == assess.Block {
					return &exit{code: exitFailed}
				}
			}
			return nil
		}),
	}
}

func assessment(cmd *cobra.Command, c *client, what string) (out admin.Assessment, err error) {
	ctx := cmd.Context()
	// A directory may well be called as a migration is.
	if file, err := os.Stat(what); what != "-" && (errors.Is(err, fs.ErrNotExist) || err == nil && file.IsDir()) {
		return out, c.get(ctx, migrationPath(what, "assessment"), nil, &out)
	}
	data, err := readFile(cmd.InOrStdin(), what)
	if err != nil {
		return out, noRuleFile(cmd, what, err)
	}
	_, err = c.do(ctx, http.MethodPost, "/v1/assessment", url.Values{"file": {what}}, data, &out)
	return out, err
}

func writeFindings(w io.Writer, found admin.Assessment) {
	if len(found.Findings) == 0 {
		fmt.Fprintln(w, "nothing is in the way")
		return
	}
	for i, f := range found.Findings {
		waived := ""
		if f.Waived != "" {
			waived = " (waived: " + f.Waived + ")"
		}
		fmt.Fprintf(w, "%-8s %s: %s: %s%s\n", f.Severity, f.ID, f.Object, f.Message, waived)
		switch hint := cmp.Or(f.HintCLI, f.Hint); {
		case len(f.Mend) > 0:
			writeMend(w, "         ", f.Mend)
		case hint != "" && (i+1 == len(found.Findings) || cmp.Or(found.Findings[i+1].HintCLI, found.Findings[i+1].Hint) != hint): // said once
			fmt.Fprintf(w, "         hint: %s\n", hint)
		}
	}
}
