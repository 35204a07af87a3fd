package srcpos

import "testing"

type finder struct{}

func raise() Pos { return Here() }

func (finder) refuse() Pos { return raise() }

func (f *finder) meet() (o Pos) {
	func() { o = f.refuse() }()
	return o
}

func TestAnErrorComesFromWhereItWasFound(t *testing.T) {
	t.Parallel()
	o := new(finder).meet()
	for _, tc := range []struct {
		raising []string
		want    string
	}{
		{nil, "refuse"},
		{[]string{"refuse"}, "meet"},
		{[]string{"raise"}, "refuse"},
	} {
		file, line, function := o.Place(tc.raising...)
		if file != "srcpos_test.go" || line == 0 || function != tc.want {
			t.Errorf("passing over %v: %s:%d %s, want %s", tc.raising, file, line, function, tc.want)
		}
	}
	if file, line, function := (Pos{}).Place(); file != "" || line != 0 || function != "" {
		t.Errorf("no place is %s:%d %s", file, line, function)
	}
}
