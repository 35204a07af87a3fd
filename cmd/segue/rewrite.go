package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
)

func newRewrite(o *options) *cobra.Command {
	var in admin.RewriteRequest
	cmd := &cobra.Command{
		Use: "rewrite SQL", Short: "Show what would be sent for a statement, and why", Args: cobra.MinimumNArgs(1),
		Long:    "Rewrite binds a statement as a session of a version would have it bound. Nothing is sent to the server.",
		Example: `  segue rewrite --as base "SELECT last_name FROM individual"`,
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			in.SQL = strings.Join(args, " ")
			var out admin.RewriteResult
			if _, err := c.post(cmd.Context(), "/v1/rewrite", in, &out); err != nil {
				return err
			}
			if err := o.emit(out, func(w io.Writer) { writeRewrite(w, out) }); err != nil {
				return err
			}
			for _, st := range out.Statements {
				if st.Failure != nil {
					return &exit{code: exitFailed}
				}
			}
			return nil
		}),
	}
	cmd.Flags().StringVar(&in.Version, "as", "", "version to bind it in (default: as an unpinned session)")
	cmd.Flags().StringSliceVar(&in.SearchPath, "search-path", nil, "schemas to look in (default public)")
	return cmd
}

func writeRewrite(w io.Writer, out admin.RewriteResult) {
	fmt.Fprintf(w, "before:  %s\n", out.Before)
	failed := false
	for _, st := range out.Statements {
		failed = failed || st.Failure != nil
	}
	if !failed {
		fmt.Fprintf(w, "after:   %s\n", out.After)
	}
	if out.Version != "" {
		fmt.Fprintf(w, "version: %s\n", out.Version)
	}
	if out.Ambiguous {
		fmt.Fprintln(w, "note:    several versions would read it differently; pin the session to one")
	}
	if out.Note != "" {
		fmt.Fprintf(w, "note:    %s\n", out.Note)
	}
	for i, st := range out.Statements {
		if len(out.Statements) > 1 {
			fmt.Fprintf(w, "statement %d (%s)\n", i+1, st.Kind)
		}
		if failed && st.Failure == nil {
			fmt.Fprintf(w, "after:   %s\n", st.After)
		}
		for _, line := range st.Why {
			fmt.Fprintf(w, "why:     %s\n", line)
		}
		if len(st.Labels) > 0 {
			fmt.Fprintf(w, "columns: %s\n", strings.Join(st.Labels, ", "))
		}
		if f := st.Failure; f != nil {
			writeFailure(w, f)
		}
	}
}

func writeFailure(w io.Writer, f *admin.RewriteFailure) {
	fmt.Fprintf(w, "fails:   ERROR %s: %s\n", f.Code, f.Message)
	if f.Position > 0 {
		fmt.Fprintf(w, "at:      character %d\n", f.Position)
	}
	if f.Detail != "" {
		fmt.Fprintf(w, "detail:  %s\n", f.Detail)
	}
	if f.Hint != "" {
		fmt.Fprintf(w, "hint:    %s\n", f.Hint)
	}
}
