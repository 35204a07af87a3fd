package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/migrate"
)

func newActivate(o *options) *cobra.Command {
	cmd, _ := transitionCommand(o, migrate.Activate, "Serve both versions; of changed columns, once they are filled",
		"Activate makes the migration live: clients of the old and of the new version are served, each with its own\n"+
			"names. Nothing changes in the database for a rename. A change of columns adds the new ones, fills them in the\n"+
			"background (see it with status --watch), and serves the new version when every row is filled.")
	return cmd
}

func newCutover(o *options) *cobra.Command {
	cmd, t := transitionCommand(o, migrate.Cutover, "Rename in the database, behind the gate; both names keep working",
		"Cutover holds the statements on the tables for the milliseconds of ALTER TABLE … RENAME. It is refused while\n"+
			"a function whose body is kept as text names what will be gone, and tried again while somebody holds a lock.\n"+
			"Where columns are changed, it is refused while an index or a CHECK of the old ones has no counterpart.")
	cmd.Flags().StringArrayVar(&t.body.AcceptDifferences, "accept-difference", nil, "the index, CHECK or column that is to have no counterpart, as assess names it; may be given again")
	return cmd
}

func newContract(o *options) *cobra.Command {
	cmd, t := transitionCommand(o, migrate.Contract, "End the old names, once nobody needs them",
		"Contract is refused until the proofs are there: no session of an older version, no use of an old name within\n"+
			"contract_after, and no session that goes around the instances.")
	cmd.Flags().BoolVar(&t.body.AllowBypass, "allow-bypass", false, "contract although sessions go around the instances")
	cmd.Flags().BoolVar(&t.body.EndSessions, "end-sessions", false, "end the sessions that are pinned to an older version")
	return cmd
}

func newRollback(o *options) *cobra.Command {
	cmd, t := transitionCommand(o, migrate.Rollback, "Undo: a rename before contract, changed columns also after it",
		"Rollback gives the database its old names back and ends the migration; it can be activated again. With\n"+
			"--to active it undoes the cutover alone, and both versions stay served. Columns that were changed or taken\n"+
			"are kept after contract, so that there is a way back until purge.")
	cmd.Flags().StringVar(&t.body.To, "to", "", "active: undo the cutover alone")
	cmd.Flags().BoolVar(&t.body.EndSessions, "end-sessions", false, "end the sessions of the version that goes")
	return cmd
}

func newPurge(o *options) *cobra.Command {
	cmd, _ := transitionCommand(o, migrate.Purge, "Drop the columns that contract or rollback have kept",
		"Purge drops what a change of columns has left hidden: the old columns after contract, the new ones after a\n"+
			"rollback. There is no way back from it. A rename keeps nothing, so there is nothing to purge after it.")
	return cmd
}

func newPause(o *options) *cobra.Command {
	return backfillCommand(o, "pause", "Pause a backfill after the batch that is under way")
}

func newResume(o *options) *cobra.Command {
	return backfillCommand(o, "resume", "Resume a backfill that is paused, or has stopped because of a row")
}

func backfillCommand(o *options, verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ID", Short: short, Args: takesID(),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var st migrate.Status
			if _, err := c.post(cmd.Context(), migrationPath(args[0], verb), struct{}{}, &st); err != nil {
				return err
			}
			return o.emit(&st, func(w io.Writer) { writeStatus(w, &st) })
		}),
	}
}
