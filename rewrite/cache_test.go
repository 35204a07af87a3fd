package rewrite

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

func TestATextIsBoundOnceForSessionsThatMeanTheSame(t *testing.T) {
	t.Parallel()
	const sql = "SELECT surname FROM individual"
	pets := &catalog.Relation{OID: 1, Name: "pets"}
	overlay := map[rules.Name]*catalog.Relation{{Name: "pets"}: pets}
	for name, tc := range map[string]struct {
		first, second func(*Session)
		shared        bool
	}{
		"equal sessions": {func(*Session) {}, func(*Session) {}, true},
		"temporary schemas of two sessions": {
			func(s *Session) { s.SearchPath = []string{"pg_temp_3", "public"} },
			func(s *Session) { s.SearchPath = []string{"pg_temp_4", "public"} }, true},
		"equal overlays": {
			func(s *Session) { s.Overlay = overlay },
			func(s *Session) { s.Overlay = map[rules.Name]*catalog.Relation{{Name: "pets"}: pets} }, true},
		"a default version of a pinned session": {func(s *Session) { s.Default = "size" }, func(*Session) {}, true},

		"another version":     {func(*Session) {}, func(s *Session) { s.Version = "size" }, false},
		"another search_path": {func(*Session) {}, func(s *Session) { s.SearchPath = []string{"public"} }, false},
		"a search_path in another order": {
			func(s *Session) { s.SearchPath = []string{"a", "b"} },
			func(s *Session) { s.SearchPath = []string{"b", "a"} }, false},
		"a temporary table": {func(*Session) {}, func(s *Session) { s.Overlay = overlay }, false},
		"a temporary table that is another": {
			func(s *Session) { s.Overlay = overlay },
			func(s *Session) {
				s.Overlay = map[rules.Name]*catalog.Relation{{Name: "pets"}: {OID: 1, Name: "pets"}}
			}, false},
		"a name that is known not to exist": {
			func(*Session) {},
			func(s *Session) { s.Overlay = map[rules.Name]*catalog.Relation{{Name: "pets"}: nil} }, false},
		"standard_conforming_strings": {func(*Session) {}, func(s *Session) { s.StandardStrings = false }, false},
		"another encoding":            {func(*Session) {}, func(s *Session) { s.Encoding = "LATIN1" }, false},
		"no version": {func(s *Session) { s.Version = "" },
			func(s *Session) { s.Version, s.Unpinned = "", UnpinnedDefault }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := plainBinder()
			one, two := pinned("surname"), pinned("surname")
			tc.first(one)
			tc.second(two)
			first, second := mustRewrite(t, b, one, sql), mustRewrite(t, b, two, sql)
			if (first == second) != tc.shared {
				t.Errorf("shared = %v", first == second)
			}
			if again := mustRewrite(t, b, two, sql); again != second {
				t.Error("the second session binds its text again")
			}
		})
	}
}

func TestTheCacheIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	b := NewBinder(testSnapshot(150000), Options{CacheBytes: 100_000, MaxCached: 2000})
	b.bind = plainBind
	for i := range 1000 {
		mustRewrite(t, b, pinned("surname"), fmt.Sprintf("SELECT surname, %d FROM individual", i))
	}
	b.cache.texts.CleanUp()
	if size := b.cache.texts.WeightedSize(); size > 100_000 || size < 50_000 {
		t.Errorf("the cache weighs %d bytes", size)
	}
	long := "SELECT surname FROM individual -- " + strings.Repeat("x", 2000)
	first := mustRewrite(t, b, pinned("surname"), long)
	if mustRewrite(t, b, pinned("surname"), long) == first {
		t.Error("a long text is kept")
	}
}

func TestHitsAndMissesAreCounted(t *testing.T) {
	t.Parallel()
	b := plainBinder()
	for range 3 {
		mustRewrite(t, b, pinned("surname"), "SELECT puzzle FROM individual")
	}
	s := b.Stats()
	if s.Misses.Load() != 1 || s.Hits.Load() != 2 || s.Refused.Load() != 3 {
		t.Errorf("misses %d, hits %d, refused %d", s.Misses.Load(), s.Hits.Load(), s.Refused.Load())
	}
}

func TestABinderServesManySessionsAtOnce(t *testing.T) {
	t.Parallel()
	b := plainBinder()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 100 {
				sql := fmt.Sprintf("SELECT surname, %d FROM individual", i%20)
				if text, err := b.Rewrite(pinned("surname"), sql); err != nil || !strings.Contains(text.SQL, "last_name") {
					t.Errorf("Rewrite(%q) = %v, %v", sql, text, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestAHitDoesNotAllocate(t *testing.T) {
	b := plainBinder()
	s := pinned("surname")
	s.Overlay = map[rules.Name]*catalog.Relation{{Name: "pets"}: nil}
	mustRewrite(t, b, s, "SELECT surname FROM individual")
	n := testing.AllocsPerRun(1000, func() {
		if _, err := b.Rewrite(s, "SELECT surname FROM individual"); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
