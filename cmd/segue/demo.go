package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/internal/demo"
)

func newDemo(o *options) *cobra.Command {
	d := demo.Options{}
	cmd := &cobra.Command{
		Use: "demo", Short: "Watch two app versions work while columns are renamed and changed under them", Args: takesNone,
		Long: "Demo starts a throw-away PostgreSQL and two instances, runs an old and a new app against them, and takes a\n" +
			"rename, and then a change of type and unit, from create to contract. It exits 0 only if there was no error, no lost write and no long pause.",
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			d.Out = o.out
			d.Terminal = isTerminal(o.out)
			return demo.Run(ctx, d)
		}),
	}
	cmd.Flags().IntVar(&d.Rows, "rows", 100_000, "rows of the table that is renamed")
	cmd.Flags().DurationVar(&d.Stage, "stage", 0, "how long the apps work in each phase (default 3s)")
	return cmd
}

// isTerminal tells whether somebody looks at what is written to w.
func isTerminal(w any) bool {
	if p, ok := w.(printable); ok {
		w = p.w
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
