package rewrite

import (
	"errors"
	"runtime"
	"time"

	"github.com/seguedb/segue/internal/srcpos"
	"github.com/seguedb/segue/internal/threadcpu"
)

// A Work is told of the binding of a text that is in no cache, by the session that the text is of. All its methods are
// called from the goroutine that called Rewrite. An error ends the work, and is that of the whole text.
type Work interface {
	// Postpones tells whether the text cannot be bound now: Rewrite then returns ErrPostponed, and has done nothing.
	Postpones() bool
	// Begin is called before a text of so many bytes is bound, and may wait. End is called if it returns nil.
	Begin(size int) *Error
	// Needs is called after Begin, once it is known how many bytes of memory the work will take, and may wait.
	Needs(memory int) *Error
	// Stopped tells, from time to time, whether nobody wants the outcome any more. It must not block.
	Stopped() *Error
	// Spent is where what bindings of the text have taken of a processor is added up, since it has to be bound again whenever
	// the server has answered a question; nil where it is bound once.
	Spent(sql string) *time.Duration
	End()
}

// ErrPostponed is returned for a text that is in no cache while Work.Postpones.
var ErrPostponed = errors.New("the text is to be bound later")

// DefaultBindCPU is what of a processor the binding of one text may take, if nothing else is configured.
const DefaultBindCPU = 2 * time.Second

// A budget bounds the work on one text. What cannot be interrupted, the parser, is bounded by the number of tokens.
type budget struct {
	work  Work // nil: nobody stops it
	limit time.Duration
	left  time.Duration // of the limit, when it was begun
	spent *time.Duration
	start time.Duration // of the thread
	begun time.Time
	steps uint
}

// stepsPerLook is how many nodes are bound between two looks at the clock: some ten microseconds.
const stepsPerLook = 256

// stopped is what ends a binding from within.
type stopped struct{ why *Error }

// Cancelled is an error with which a Work ends a text.
func Cancelled(code, message string) *Error {
	return &Error{Code: code, Message: message, pos: srcpos.Here()}
}

// giveUp makes the text that stands for one whose binding was ended.
func (r *rewriting) giveUp(why *Error) *Text {
	t := r.refuseWhole(why)
	t.GivenUp = true
	return t
}

// startBudget begins the work on a text, of which sql is what the client sent. The goroutine stays on its thread, by whose clock the work is measured, until end.
func startBudget(work Work, sql string, limit time.Duration) *budget {
	runtime.LockOSThread()
	g := &budget{work: work, limit: limit, left: limit, start: threadcpu.Now(), begun: time.Now()}
	if work != nil {
		g.spent = work.Spent(sql)
	}
	if g.spent != nil {
		g.left -= *g.spent
	}
	return g
}

func (g *budget) end() {
	if g.spent != nil {
		*g.spent += threadcpu.Now() - g.start
	}
	runtime.UnlockOSThread()
}

// step counts a node. It panics with stopped when the work must end.
func (g *budget) step() {
	if g == nil {
		return
	}
	if g.steps++; g.steps%stepsPerLook == 0 {
		g.look()
	}
}

// look ends the work if it has taken too long, or if it was stopped.
func (g *budget) look() {
	if g == nil {
		return
	}
	if g.work != nil {
		if why := g.work.Stopped(); why != nil {
			panic(stopped{why})
		}
	}
	// A thread uses no more of a processor than time passes, and to ask what time it is takes no system call.
	if time.Since(g.begun) > g.left && threadcpu.Now()-g.start > g.left {
		panic(stopped{TooCostly(g.limit)})
	}
}
