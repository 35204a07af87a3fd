// Package plpgsql takes texts in PL/pgSQL apart: which pieces of SQL stand where, what they are there for, and what names the
// text gives to variables. It mirrors pl_gram.y, and knows nothing of what the SQL means.
package plpgsql
