package ast

import "testing"

func TestKeywordsAreThoseOfTheGrammar(t *testing.T) {
	t.Parallel()
	if n, want := len(Keywords()), map[int]int{16: 471, 18: 494}[GrammarVersion]; n != want {
		t.Errorf("%d keywords; kwlist.h of PostgreSQL %d has %d", n, GrammarVersion, want)
	}
	for word, kind := range map[string]KeywordKind{
		"select":  KeywordKind_RESERVED_KEYWORD,
		"between": KeywordKind_COL_NAME_KEYWORD,
		"left":    KeywordKind_TYPE_FUNC_NAME_KEYWORD,
		"name":    KeywordKind_UNRESERVED_KEYWORD,
		"int":     KeywordKind_COL_NAME_KEYWORD,
		"sql":     KeywordKind_UNRESERVED_KEYWORD,
	} {
		if got := Keywords()[word].Kind; got != kind {
			t.Errorf("%s is %v, want %v", word, got, kind)
		}
	}
	if _, ok := Keywords()["surname"]; ok {
		t.Error("surname is no keyword")
	}
}
