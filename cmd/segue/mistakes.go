package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/rules"
)

// usageError marks a mistake of the user in how the command was called.
func usageError(err error) error { return mistake(err.Error(), "") }

// mistake is a usageError with what to do about it.
func mistake(detail, hint string) error {
	return &exit{code: exitUsage, err: &admin.Problem{
		Type: "urn:segue:problem:usage", Title: "Wrong usage", Status: 400, Detail: detail, Hint: hint,
	}}
}

// takesOne is the Args of a command with one argument, and says which. what is "the id of a migration", say.
func takesOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 1 && args[0] != "":
			return nil
		case len(args) > 1:
			return mistake(fmt.Sprintf("%s takes one argument, %s, and not %d", cmd.Name(), what, len(args)), callOf(cmd))
		}
		return mistake(fmt.Sprintf("%s needs %s", cmd.Name(), what), callOf(cmd))
	}
}

// takesID is takesOne of a migration's id.
func takesID() cobra.PositionalArgs { return takesOne("the id of a migration") }

// takesNone is the Args of a command without arguments.
func takesNone(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return mistake(fmt.Sprintf("%s takes no argument, and %q is one", cmd.Name(), args[0]), callOf(cmd))
}

// callOf is how the command is called.
func callOf(cmd *cobra.Command) string {
	return fmt.Sprintf("%s; segue help %s tells more", strings.Replace(cmd.UseLine(), " [flags]", "", 1), cmd.Name())
}

// unknownCommand is the Args of the root, which gets what is no command.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(append(names, c.Name()), c.Aliases...)
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if meant := rules.Closest(args[0], names); meant != "" {
		text += "; did you mean " + meant + "?"
	}
	return mistake(text, "segue help lists the commands")
}

// flagMistake makes a mistake of what pflag says.
func flagMistake(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &unknown):
		return unknownFlag(cmd, err, unknown.GetSpecifiedName())
	case !errors.As(err, &invalid):
		return mistake(fmt.Sprintf("%s: %v", cmd.Name(), err), callOf(cmd))
	}
	value, flag, kind := invalid.GetValue(), "--"+invalid.GetFlag().Name, invalid.GetFlag().Value.Type()
	switch {
	case kind == "duration" && strings.Contains(err.Error(), "missing unit"):
		return mistake(fmt.Sprintf("%s cannot be %q: it has no unit", flag, value), fmt.Sprintf("give a unit, as in %s %ss", flag, value))
	case kind == "duration":
		return mistake(fmt.Sprintf("%s cannot be %q", flag, value), "give a duration such as 30s or 5m")
	case kind == "int":
		return mistake(fmt.Sprintf("%s cannot be %q", flag, value), "give a number")
	}
	return mistake(fmt.Sprintf("%s cannot be %q: a %s is wanted", flag, value, kind), callOf(cmd))
}

func unknownFlag(cmd *cobra.Command, err error, name string) error {
	var names []string
	add := func(f *pflag.Flag) { names = append(names, f.Name) }
	cmd.Flags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	if meant := rules.Closest(name, names); meant != "" {
		return mistake(fmt.Sprintf("%s has no flag --%s; did you mean --%s?", cmd.Name(), name, meant), callOf(cmd))
	}
	return mistake(fmt.Sprintf("%s: %v", cmd.Name(), err), callOf(cmd))
}

// noRuleFile says that a rule file cannot be read. A word that looks like an id is probably one.
func noRuleFile(cmd *cobra.Command, file string, err error) error {
	var path *fs.PathError
	if !errors.As(err, &path) {
		return usageError(err)
	}
	detail := fmt.Sprintf("the rule file %s cannot be read: %v", file, path.Err)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(file, "./") {
		return mistake(detail, fmt.Sprintf("%s takes a rule file, and not an id; segue list shows the ids that are stored", cmd.Name()))
	}
	return mistake(detail, "")
}

// wantsJSON tells whether the command line asks for JSON, also where it could not be read to its end.
func wantsJSON(args []string) bool {
	for i, a := range args {
		switch {
		case a == "--":
			return false
		case a == "-ojson", a == "-o=json", a == "--output=json":
			return true
		case a == "-o", a == "--output":
			return i+1 < len(args) && args[i+1] == "json"
		}
	}
	return false
}
