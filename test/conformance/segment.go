package main

import "strings"

// A segment is what psql printed for one chunk of a script.
type segment struct {
	chunk  *chunk
	output string // what follows the echo of the chunk's lines
	ran    bool   // the chunk is echoed at all
}

// segments cuts an output into what belongs to each chunk of its script, by the echo of the script's lines. psql echoes
// neither blank lines before a statement nor, always, COPY data.
func segments(cs []chunk, output string) []segment {
	lines := strings.Split(output, "\n")
	out := make([]segment, 0, len(cs))
	at := 0
	for i := range cs {
		if strings.TrimSpace(cs[i].text()) == "" {
			continue
		}
		start, end, ok := findEcho(lines, at, cs[i].lines)
		if !ok {
			out = append(out, segment{chunk: &cs[i]})
			continue
		}
		if len(out) > 0 {
			last := len(out) - 1
			for last > 0 && !out[last].ran {
				last--
			}
			out[last].output += join(lines[at:start])
		}
		out = append(out, segment{chunk: &cs[i], ran: true})
		at = end
	}
	for last := len(out) - 1; last >= 0; last-- {
		if out[last].ran {
			out[last].output += join(lines[at:])
			break
		}
	}
	return out
}

// findEcho finds the lines of a chunk, one behind the other, from at on.
func findEcho(lines []string, at int, echoed []string) (start, end int, ok bool) {
	first := 0
	for strings.TrimSpace(echoed[first]) == "" {
		first++
	}
	for start = at; start < len(lines); start++ {
		if lines[start] != echoed[first] {
			continue
		}
		end = start
		matched := true
		for _, l := range echoed[first:] {
			if strings.TrimSpace(l) == "" && (end >= len(lines) || lines[end] != l) {
				continue
			}
			if end >= len(lines) || lines[end] != l {
				matched = false
				break
			}
			end++
		}
		if matched {
			return start, end, true
		}
	}
	return 0, 0, false
}

func join(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
