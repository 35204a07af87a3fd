package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is set by the linker in release builds.
var release string

// program is the version of this program: of the release, or of the module that it was built from.
func program() string {
	if release != "" {
		return release
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "(devel)"
}

func newVersion(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version of this program", Args: takesNone,
		RunE: run(func(*cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
			}{program(), runtime.Version()}
			return o.emit(v, func(w io.Writer) { fmt.Fprintf(w, "segue %s (%s)\n", v.Version, v.Go) })
		}),
	}
}
