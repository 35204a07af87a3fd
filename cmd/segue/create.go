package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/migrate"
)

func newCreate(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "create FILE", Short: "Store a rule file as a draft; traffic is untouched", Args: cobra.ExactArgs(1),
		Long: "Create checks a rule file (YAML or JSON, - for standard input) against the database and stores it.\n" +
			"Doing it twice is harmless.",
		Example: "  segue create surname.yaml",
		RunE: run(func(cmd *cobra.Command, args []string) error {
			return create(cmd.Context(), o, cmd.InOrStdin(), args[0])
		}),
	}
}

func create(ctx context.Context, o *options, stdin io.Reader, file string) error {
	data, err := readFile(stdin, file)
	if err != nil {
		return usageError(err)
	}
	c, err := o.client()
	if err != nil {
		return err
	}
	var st migrate.Status
	code, err := c.do(ctx, http.MethodPost, "/v1/migrations", url.Values{"file": {file}}, data, &st)
	if err != nil {
		return err
	}
	return o.emit(&st, func(w io.Writer) {
		if code == http.StatusCreated {
			fmt.Fprintf(w, "%s is stored as a draft\n", st.ID)
			for _, op := range st.Operations {
				fmt.Fprintf(w, "  %s\n", operation(op))
			}
			return
		}
		fmt.Fprintf(w, "%s was stored before, and is %s\n", st.ID, st.Phase)
	})
}

// readFile reads a rule file; - is standard input.
func readFile(stdin io.Reader, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(file)
}
