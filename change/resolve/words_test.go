package resolve_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/change/resolve"
)

func TestAMessageOfTheServerLosesItsValues(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		`invalid input syntax for type integer: "S"`:           `invalid input syntax for type integer: ...`,
		`invalid input syntax for type integer: "S " of S"`:    `invalid input syntax for type integer: ...`,
		`value "S" is out of range for type integer`:           `value ... is out of range for type integer`,
		`valeur « S » en dehors des limites du type integer`:   `valeur ... en dehors des limites du type integer`,
		`Eingabesyntax: „S“`:                                   `Eingabesyntax: ...`,
		`one quote alone: "S`:                                  `one quote alone: ...`,
		`invalid byte sequence for encoding "UTF8": 0xff 0x41`: `invalid byte sequence for encoding ...: ... ...`,
		`requested character too large for encoding: 55555`:    `requested character too large for encoding: ...`,
		`value too long for type character varying(3)`:         `value too long for type character varying(3)`,
		`duplicate key value violates unique constraint "S"`:   `duplicate key value violates unique constraint ...`,
	} {
		if got, want := resolve.WithoutValues(&pgconn.PgError{Code: "22000", Message: message}), want+" (SQLSTATE 22000, data exception)"; got != want {
			t.Errorf("%s becomes %s\nwant %s", message, got, want)
		}
	}
	raised := &pgconn.PgError{Code: "22023", Message: "S", Routine: "exec_stmt_raise"}
	if got := resolve.WithoutValues(fmt.Errorf("wrapped: %w", raised)); got != "SQLSTATE 22023, invalid parameter value" {
		t.Errorf("what a function raises becomes %s", got)
	}
	if got := resolve.WithoutValues(errors.New("unexpected EOF")); got != "unexpected EOF" {
		t.Errorf("an error of the connection becomes %s", got)
	}
}
