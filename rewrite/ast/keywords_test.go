package ast

import "testing"

func TestKeywordsAreThoseOfTheGrammar(t *testing.T) {
	t.Parallel()
	if n := len(Keywords()); n != 471 {
		t.Errorf("%d keywords; kwlist.h of PostgreSQL 16 has 471", n)
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
