package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// What clients and operators say is stored in the encoding of the database, which need not have all of its characters, and
// a client may say what is no text at all. None of that may decide whether the store can be written: what the database
// does not take is written with '?' for each character outside ASCII. Names of tables, columns and migrations are no such
// texts: the database has them already.

// A said is a text of a client or an operator, and a saidJSON a JSON text that holds some.
type (
	said     string
	saidJSON string
)

// plain is true of texts that can be stored in every encoding.
func (s said) plain() bool     { return isASCII(string(s)) }
func (s saidJSON) plain() bool { return s.ascii() == string(s) }

// whole is the text in valid UTF-8.
func (s said) whole() string {
	return strings.ToValidUTF8(strings.ReplaceAll(string(s), "\x00", "?"), "?")
}
func (s saidJSON) whole() string { return strings.ToValidUTF8(string(s), "?") }

// ascii is the text with '?' for every character outside ASCII.
func (s said) ascii() string { return asciiOnly(s.whole()) }

// ascii does the same to escapes (encoding/json writes some characters so, and PostgreSQL reads them in its encoding).
func (s saidJSON) ascii() string {
	text := asciiOnly(s.whole())
	var b strings.Builder
	for {
		at := strings.IndexByte(text, '\\')
		if at < 0 || at+2 > len(text) {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:at])
		escape := text[at : at+2]
		if escape == `\u` && at+6 <= len(text) {
			escape = text[at : at+6]
			text = text[at+6:]
			if code, err := strconv.ParseUint(escape[2:], 16, 32); err == nil && (code == 0 || code >= utf8.RuneSelf) {
				escape = "?"
			}
		} else {
			text = text[at+2:]
		}
		b.WriteString(escape)
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] == 0 || s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func asciiOnly(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return '?'
		}
		return r
	}, s)
}

// execSaid runs a statement of whose arguments some are said or saidJSON, as db.Exec does.
func execSaid(ctx context.Context, db DB, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	err = storing(ctx, db, args, func(db DB, args []any) (err error) {
		tag, err = db.Exec(ctx, sql, args...)
		return err
	})
	return tag, err
}

// storing calls store with the arguments in whole, and where the database does not take them, undoes what it has done and
// calls it again with ASCII. A transaction goes on in both cases.
func storing(ctx context.Context, db DB, args []any, store func(db DB, args []any) error) error {
	whole, plain := written(args, false)
	if plain {
		return store(db, whole)
	}
	if err := attempt(ctx, db, func(db DB) error { return store(db, whole) }); !untranslatable(err) {
		return err
	}
	ascii, _ := written(args, true)
	return store(db, ascii)
}

// attempt runs do so that db can be used afterwards even if it fails: within a transaction, or a savepoint of one.
func attempt(ctx context.Context, db DB, do func(DB) error) error {
	begin, ok := db.(interface {
		Begin(context.Context) (pgx.Tx, error)
	})
	if !ok {
		return do(db)
	}
	return pgx.BeginFunc(ctx, begin, func(tx pgx.Tx) error { return do(tx) })
}

// written is the arguments as they are sent, and whether they can be stored in every encoding.
func written(args []any, ascii bool) (out []any, plain bool) {
	type text interface {
		plain() bool
		whole() string
		ascii() string
	}
	plain = true
	for _, a := range args {
		switch t, ok := a.(text); {
		case !ok:
			out = append(out, a)
			continue
		case ascii:
			out = append(out, t.ascii())
		default:
			out = append(out, t.whole())
		}
		plain = plain && a.(text).plain()
	}
	return out, plain
}

// untranslatable tells whether the database's encoding lacks a character.
func untranslatable(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch pg.Code {
	case "22P05", "22021", // untranslatable_character, character_not_in_repertoire
		"0A000": // feature_not_supported: SQL_ASCII cannot convert an escape in JSON
		return true
	}
	return false
}

// Unstorable tells whether an error of the store says that the database cannot hold a character that it must hold.
func Unstorable(err error) bool { return untranslatable(err) }
