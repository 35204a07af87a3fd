package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/seguedb/segue/rules"
)

// fillFlags sets each flag that was not given from its environment variable or else from the --config file. An error
// says which source is wrong.
func fillFlags(f *pflag.FlagSet, lookup func(string) (string, bool)) error {
	path := f.Lookup("config").Value.String()
	if v, _ := lookup(variable("config")); path == "" {
		path = v
	}
	fromFile, err := readSettings(path, f)
	if err != nil {
		return err
	}
	f.VisitAll(func(flag *pflag.Flag) {
		if err != nil || flag.Changed || !configurable(flag) {
			return
		}
		// An empty variable counts as none: that is how manifests leave one out.
		if v, _ := lookup(variable(flag.Name)); v != "" {
			err = set(f, flag, variable(flag.Name), splitList(flag, v))
			return
		}
		if s, ok := fromFile[flag.Name]; ok {
			err = set(f, flag, fmt.Sprintf("%s:%d: %s", path, s.line, flag.Name), s.values)
		}
	})
	return err
}

// given refuses what was given on the command line of serve and cannot have been meant. A flag without a value is mostly a
// variable of a shell that is not set, and without TLS or a token is not how anybody means to serve because of that.
func given(f *pflag.FlagSet) error {
	var wrong error
	f.Visit(func(flag *pflag.Flag) {
		text, repeats := flag.Value.(pflag.SliceValue)
		switch {
		case wrong != nil:
		case flag.Name == "admin":
			wrong = mistake("serve has no flag --admin: that is where other commands find an instance", "give --admin-listen for the address of its admin API")
		case timesSet(flag) > 1:
			wrong = mistake(fmt.Sprintf("--%s is given twice", flag.Name), "give it once")
		case repeats && slices.Contains(text.GetSlice(), ""), flag.Value.String() == "" && !mayBeEmpty(flag.Name):
			wrong = mistake(fmt.Sprintf("--%s is empty", flag.Name), "give it a value, or leave it out; is a variable not set?")
		}
	})
	return wrong
}

// A once is the value of a flag that counts how often it is set.
type once struct {
	pflag.Value
	times int
}

func (o *once) Set(text string) error {
	o.times++
	return o.Value.Set(text)
}

// onlyOnce has timesSet know of every flag but those that can be repeated.
func onlyOnce(f *pflag.FlagSet) {
	f.VisitAll(func(flag *pflag.Flag) {
		if _, repeats := flag.Value.(pflag.SliceValue); !repeats {
			flag.Value = &once{Value: flag.Value}
		}
	})
}

func timesSet(flag *pflag.Flag) int {
	if o, ok := flag.Value.(*once); ok {
		return o.times
	}
	return 0
}

// mayBeEmpty tells which flags mean something without a value.
func mayBeEmpty(flag string) bool { return flag == "admin-listen" || flag == "metrics-listen" }

// variable is the name of the flag's environment variable.
func variable(flag string) string {
	return "SEGUE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// configurable leaves out the flags that are about this call alone. Those of the client with a variable of their own
// have read it already, and read it again here to the same end.
func configurable(flag *pflag.Flag) bool {
	switch flag.Name {
	case "help", "config", "output", "admin":
		return false
	}
	return true
}

// splitList makes the values of a flag that can be repeated: in a variable they are separated by semicolons.
func splitList(flag *pflag.Flag, text string) []string {
	if flag.Value.Type() != "stringArray" {
		return []string{text}
	}
	return strings.FieldsFunc(text, func(r rune) bool { return r == ';' })
}

func set(f *pflag.FlagSet, flag *pflag.Flag, where string, values []string) error {
	for _, v := range values {
		if err := f.Set(flag.Name, v); err != nil {
			return fmt.Errorf("%s cannot be %q: a %s is wanted", where, v, flag.Value.Type())
		}
	}
	return nil
}

// A setting is one key of the configuration file.
type setting struct {
	values []string
	line   int
}

// readSettings reads the configuration file; no path, no settings. Its keys are the names of the flags.
func readSettings(path string, f *pflag.FlagSet) (map[string]setting, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the configuration file cannot be read: %w", err)
	}
	defer file.Close()
	var doc yaml.Node
	if err := yaml.NewDecoder(file).Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: the file must hold keys and values, such as listen: 127.0.0.1:6432", path, root.Line)
	}
	out := map[string]setting{}
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		flag := f.Lookup(key.Value)
		if flag == nil || !configurable(flag) {
			return nil, fmt.Errorf("%s:%d: unknown key %q%s", path, key.Line, key.Value, didYouMean(key.Value, f))
		}
		if _, twice := out[key.Value]; twice {
			return nil, fmt.Errorf("%s:%d: %s is given twice", path, key.Line, key.Value)
		}
		values, err := scalars(value, flag.Value.Type() == "stringArray")
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %s: %w", path, value.Line, key.Value, err)
		}
		out[key.Value] = setting{values: values, line: key.Line}
	}
	return out, nil
}

// scalars are the values of a key: one, or a list of texts or of mappings where the flag can be repeated.
func scalars(n *yaml.Node, repeated bool) ([]string, error) {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}, nil
	}
	if n.Kind != yaml.SequenceNode || !repeated {
		return nil, errors.New("a single value is wanted")
	}
	var out []string
	for _, item := range n.Content {
		switch item.Kind {
		case yaml.ScalarNode:
			out = append(out, item.Value)
		case yaml.MappingNode:
			var pairs []string
			for i := 0; i < len(item.Content); i += 2 {
				pairs = append(pairs, item.Content[i].Value+"="+item.Content[i+1].Value)
			}
			out = append(out, strings.Join(pairs, ","))
		default:
			return nil, errors.New("a list of texts or of keys and values is wanted")
		}
	}
	return out, nil
}

// didYouMean suggests the flag that was probably meant.
func didYouMean(word string, f *pflag.FlagSet) string {
	var names []string
	f.VisitAll(func(flag *pflag.Flag) {
		if configurable(flag) {
			names = append(names, flag.Name)
		}
	})
	if meant := rules.Closest(strings.ReplaceAll(word, "_", "-"), names); meant != "" {
		return fmt.Sprintf(" (did you mean %s?)", meant)
	}
	return " (segue help serve lists them)"
}
