package rules

import "testing"

// amount is read from cents and written to it with a marker beside.
var amount = &ColumnLens{Logical: "amount", Mapping: &Mapping{
	Read: &Expression{
		Pieces: []string{"", "::numeric / ", ""}, Columns: []PhysicalColumn{{"cents", 2}, {"unit", 4}},
		TypeName: "numeric(10,2)", Collation: `"C"`,
	},
	Write: []Assignment{{PhysicalColumn{"_segue_1", 7}, []string{"2"}}},
}}

func TestAnExpressionIsWrittenWithTheNamesThatItsColumnsHaveInAStatement(t *testing.T) {
	t.Parallel()
	spell := func(p PhysicalColumn) string { return "t." + p.Name }
	for condition, want := range map[string]string{
		"":                   `(CAST(t.cents::numeric / t.unit AS numeric(10,2)) COLLATE "C")`,
		"t.ctid IS NOT NULL": `(CAST(CASE WHEN t.ctid IS NOT NULL THEN t.cents::numeric / t.unit END AS numeric(10,2)) COLLATE "C")`,
	} {
		if got := amount.Reads().SQL(condition, spell); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	constant := Expression{Pieces: []string{"'en'"}, TypeName: "text"}
	if got := constant.SQL("", spell); got != `(CAST('en' AS text))` {
		t.Errorf("a constant is %s", got)
	}
}

func TestAColumnUsesWhatItIsReadFromAndWrittenTo(t *testing.T) {
	t.Parallel()
	plain := &ColumnLens{Logical: "surname", Physical: "last_name", Num: 3}
	same := &ColumnLens{Logical: "id", Physical: "id", Num: 1}
	marked := &ColumnLens{Logical: "total", Physical: "total", Num: 5, Mapping: &Mapping{Write: amount.Writes()}}
	for name, tc := range map[string]struct {
		column         *ColumnLens
		uses           []int16
		plain, differs bool
	}{
		"a name":                         {same, []int16{1}, true, false},
		"another name":                   {plain, []int16{3}, true, true},
		"an expression":                  {amount, []int16{2, 4, 7}, false, true},
		"a name with a marker beside it": {marked, []int16{5, 7}, false, true},
	} {
		uses := map[int16]bool{}
		for _, num := range tc.uses {
			uses[num] = true
		}
		for num := range int16(9) {
			if got := tc.column.Uses(num); got != uses[num] {
				t.Errorf("%s uses column %d: %v", name, num, got)
			}
		}
		if tc.column.IsPlain() != tc.plain || tc.column.Differs() != tc.differs {
			t.Errorf("%s: plain = %v, differs = %v", name, tc.column.IsPlain(), tc.column.Differs())
		}
	}
	if table := (&TableLens{Columns: []ColumnLens{*same, *amount}}); !table.IsMapped() || (&TableLens{Columns: []ColumnLens{*plain}}).IsMapped() {
		t.Error("a table is mapped where one of its columns is")
	}
}
