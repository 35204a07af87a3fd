// Package dynamic tells what is known of a text that code computes and executes, as EXECUTE of PL/pgSQL does.
//
//	holed      Text: the text of an expression, with holes where names and values stand that are not known
//	variables  what variables of a body stand for in such an expression
//	clear      Clear: whether a whole body surely makes nothing
//	reach      Reach: what the names may be that a cleared body computes
//
// It knows nothing of the catalog: where a name could be that of something of the user's, the caller has to see to it.
package dynamic
