package ast

import (
	"strings"
	"sync"
)

// A Keyword is a word that the grammar knows, and how far it can still be an identifier.
type Keyword struct {
	Token Token
	Kind  KeywordKind
}

// Keywords maps each keyword of the grammar, in lower case, to its token. The scanner itself is asked for them, once.
// The caller must not change the map.
var Keywords = sync.OnceValue(func() map[string]Keyword {
	var words []string
	for _, name := range tokenNames() {
		words = append(words, strings.ToLower(strings.TrimSuffix(name, "_P")))
	}
	all := strings.Join(words, " ")
	scanned, err := Scan(all)
	if err != nil {
		panic("the scanner rejects its own keywords: " + err.Error())
	}
	out := make(map[string]Keyword, len(scanned))
	for _, s := range scanned {
		if s.KeywordKind != KeywordKind_NO_KEYWORD {
			out[all[s.Start:s.End]] = Keyword{Token: s.Token, Kind: s.KeywordKind}
		}
	}
	return out
})
