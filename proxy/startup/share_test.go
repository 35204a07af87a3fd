package startup

import (
	"maps"
	"reflect"
	"testing"
)

func TestLoginsThatAreToldTheSameHaveOneMap(t *testing.T) {
	t.Parallel()
	var e Entrance
	shop := map[string]string{"application_name": "shop", "TimeZone": "UTC"}
	first, second := e.share(shop), e.share(maps.Clone(shop))
	if reflect.ValueOf(first).Pointer() != reflect.ValueOf(second).Pointer() || !maps.Equal(first, shop) {
		t.Errorf("%v and %v are two maps, or say something else", first, second)
	}
	bench := map[string]string{"application_name": "bench", "TimeZone": "UTC"}
	if got := e.share(bench); !maps.Equal(got, bench) || !maps.Equal(first, shop) {
		t.Errorf("another login is told %v, and the first was told %v", got, first)
	}
}
