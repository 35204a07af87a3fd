// Pgbin prints the folder of PostgreSQL's server programs, and installs PostgreSQL first when there is none and it may.
// Tests of several packages start at the same time: one of them has to do this before all.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/seguedb/segue/internal/pgcluster"
)

func main() {
	dir, err := pgcluster.BinOrInstall(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgbin:", err)
		os.Exit(1)
	}
	fmt.Println(dir)
}
