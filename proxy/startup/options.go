package startup

import "strings"

// versionSetting is the setting that a session chooses its schema version with.
const versionSetting = "segue.version"

// serverSwitches is the option string that process_postgres_switches gives to getopt.
const serverSwitches = "B:bc:C:D:d:EeFf:h:ijk:lN:nOPp:r:S:sTt:v:W:-:"

// optionsVersion finds the schema version in the options parameter of a start-up packet: -c segue.version=ID or
// --segue.version=ID, the last of them. Options that the server will not accept are the server's to refuse.
func optionsVersion(options string) string {
	version := ""
	args := splitOptions(options)
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			continue // getopt moves what is no switch to the end
		}
		flag, value, took := switchValue(arg[1:], args)
		if took {
			args = args[1:]
		}
		if flag != 'c' && flag != '-' {
			continue
		}
		if name, id, ok := strings.Cut(value, "="); ok && strings.EqualFold(strings.ReplaceAll(name, "-", "_"), versionSetting) {
			version = id
		}
	}
	return version
}

// switchValue reads one argument without its dash, which may hold several switches, as getopt does: the first switch that
// takes a value takes the rest of the argument, or the whole next one (took). flag is 0 when none takes one.
func switchValue(arg string, next []string) (flag byte, value string, took bool) {
	for i := 0; i < len(arg); i++ {
		at := strings.IndexByte(serverSwitches, arg[i])
		if at < 0 || arg[i] == ':' || at+1 == len(serverSwitches) || serverSwitches[at+1] != ':' {
			continue
		}
		if rest := arg[i+1:]; rest != "" {
			return arg[i], rest, false
		}
		if len(next) > 0 {
			return arg[i], next[0], true
		}
		return 0, "", false
	}
	return 0, "", false
}

// splitOptions mirrors pg_split_opts: words between white space, in which a backslash stands for the next character.
func splitOptions(options string) []string {
	var words []string
	var word []byte
	inWord := false
	for i := 0; i < len(options); i++ {
		c := options[i]
		switch {
		case c == '\\':
			inWord = true
			if i++; i < len(options) {
				word = append(word, options[i])
			}
		case strings.IndexByte(" \t\n\v\f\r", c) >= 0:
			if inWord {
				words = append(words, string(word))
			}
			word, inWord = word[:0], false
		default:
			inWord = true
			word = append(word, c)
		}
	}
	if inWord {
		words = append(words, string(word))
	}
	return words
}
