package main

import (
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
		Use: "create FILE", Short: "Store a rule file as a draft; traffic is untouched", Args: takesOne("a rule file"),
		Long: "Create checks a rule file (YAML or JSON, - for standard input) against the database and stores it.\n" +
			"Doing it twice is harmless.",
		Example: "  segue create surname.yaml",
		RunE: run(func(cmd *cobra.Command, args []string) error {
			return create(cmd, o, args[0])
		}),
	}
}

func create(cmd *cobra.Command, o *options, file string) error {
	data, err := readFile(cmd.InOrStdin(), file)
	if err != nil {
		return noRuleFile(cmd, file, err)
	}
	c, err := o.client()
	if err != nil {
		return err
	}
	var st migrate.Status
	code, err := c.do(cmd.Context(), http.MethodPost, "/v1/migrations", url.Values{"file": {file}}, data, &st)
	if err != nil {
		return err
	}
	return o.emit(&st, func(w io.Writer) {
		if code == http.StatusCreated {
			fmt.Fprintf(w, "%s is stored as a draft\n", st.ID)
			for _, op := range st.Operations {
				fmt.Fprintf(w, "  %s\n", operation(op))
			}
		} else {
			fmt.Fprintf(w, "%s was stored before, and is %s: %s\n", st.ID, phaseWords(st.Phase), st.Says())
		}
		fmt.Fprintf(w, "next: %s\n", st.Next())
	})
}

// readFile reads a rule file; - is standard input.
func readFile(stdin io.Reader, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(file)
}
