package rules

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change"
)

// ordersChange is the change of orders.total to another type under the same name.
func ordersChange(t *testing.T) *change.Compiled {
	t.Helper()
	c, err := change.Compile(change.Change{
		Key: "7_1", Table: change.Name{Schema: "public", Name: "orders"},
		Old: []change.Column{{Name: "total", Type: "integer", Default: "0", Constant: true}},
		New: []change.Column{{Name: "total", Type: "bigint", NotNull: true, Default: "1"}},
		Up:  change.Map{"total": "total::bigint"}, Down: change.Map{"total": "total::int"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAVersionSaysThatItHasMadeARowWhereTheOtherOneOwnsTheTruth(t *testing.T) {
	t.Parallel()
	c := ordersChange(t)
	rel := &catalog.Relation{OID: 1, Schema: "public", Name: "orders", Columns: []catalog.Column{
		{Num: 1, Name: "id"}, {Num: 2, Name: "total"}, {Num: 3, Name: c.New[0].Physical}, {Num: 4, Name: c.Marker()},
	}}
	marked := func(code string) []Assignment {
		return []Assignment{{PhysicalColumn{c.Marker(), 4}, []string{code}}}
	}
	for name, tc := range map[string]struct {
		newSide, newOwns bool
		declared         *Declared
		newRow           []Assignment
	}{
		"the old version while the old side owns it": {false, false, nil, nil},
		"the new version while the old side owns it": {true, false, &Declared{NotNull: true, Default: "1"}, marked("2")},
		"the old version when the new side owns it":  {false, true, &Declared{Default: "0"}, marked("-2")},
		"the new version when the new side owns it":  {true, true, nil, nil},
	} {
		physical, num := "total", int16(2)
		if tc.newSide {
			physical, num = c.New[0].Physical, 3
		}
		lens := &TableLens{OID: 1, Identity: true, Columns: []ColumnLens{
			{Logical: "id", Physical: "id", Num: 1}, {Logical: "total", Physical: physical, Num: num},
		}}
		lens.serve(served{c, tc.newSide, tc.newOwns, true}, rel)
		if diff := cmp.Diff(tc.newRow, lens.NewRow); diff != "" || lens.Identity {
			t.Errorf("%s gives new rows (-want +got)\n%s", name, diff)
		}
		if diff := cmp.Diff(tc.declared, lens.Columns[1].Declared); diff != "" {
			t.Errorf("%s declares (-want +got)\n%s", name, diff)
		}
		if lens.Columns[0].Declared != nil {
			t.Errorf("%s declares something of a column that does not change", name)
		}
		if p := lens.Counterparts; len(p) != 1 || p[0].OtherNew == tc.newSide || p[0].Own[0].Physical != physical || p[0].Other[0].Physical == physical {
			t.Errorf("%s has the counterparts %v", name, p)
		}
	}
}

func TestAVersionWritesBothSidesWhereWhoeverMayWriteOneMayWriteTheOther(t *testing.T) {
	t.Parallel()
	d := ordersChange(t).Change
	d.Inline = true
	c, err := change.Compile(d)
	if err != nil {
		t.Fatal(err)
	}
	for name, granted := range map[string]bool{"the table's privileges alone": false, "privileges on a column": true} {
		rel := &catalog.Relation{OID: 1, Schema: "public", Name: "orders", Columns: []catalog.Column{
			{Num: 1, Name: "id", Granted: granted}, {Num: 2, Name: "total"}, {Num: 3, Name: c.New[0].Physical}, {Num: 4, Name: c.Marker()},
		}}
		for _, newSide := range []bool{false, true} {
			lens := &TableLens{OID: 1}
			lens.serve(served{c, newSide, false, true}, rel)
			if flips := lens.Counterparts[0].Flip != nil; flips == granted {
				t.Errorf("with %s, new side %v: it writes both: %v", name, newSide, flips)
			}
		}
	}
}
