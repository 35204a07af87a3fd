package rewrite

// A fate is what binding has found out that decides what becomes of a statement.
type fate struct {
	besideMade bool   // something is used that an earlier statement of the text has made or altered
	affected   bool   // a table whose lens changes something is concerned
	failure    *Error // the first name that the version does not have
	refusal    *Error // the first thing that was not understood
	doubted    bool   // the refusal came before the failure, which is then not certain
}

// missing notes a name that the version does not have, if it is the first.
func (f *fate) missing(failure *Error) {
	if f.failure == nil {
		f.doubted = f.doubted || f.refusal != nil
		f.failure = failure
	}
}

// refused notes what was not understood, if it is the first. It matters only where a table under migration is affected.
func (f *fate) refused(refusal *Error) {
	if f.refusal == nil {
		f.refusal = refusal
	}
}

// forbidden refuses the statement whatever else is found in it.
func (f *fate) forbidden(refusal *Error) {
	f.refusal, f.affected, f.doubted = refusal, true, true
}

// verdict is the error that the client gets; nil when the statement is sent. A name that is missing counts for more than
// what was not understood behind it, and for less than what was not understood before it: then the name may be there.
func (f *fate) verdict() *Error {
	switch {
	case f.affected && f.refusal != nil && (f.failure == nil || f.doubted):
		return f.refusal
	case f.failure != nil && (f.refusal == nil || !f.doubted):
		return f.failure
	}
	return nil
}
