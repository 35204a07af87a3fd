package assess

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seguedb/segue/rules"
)

var contractProof = &Hazard{
	ID: "contract-proof", Group: OfClients, Severity: Block,
	What: "the old names may still be needed: a session of an old version lives, one reaches the database past the instances, an old name was used less than " +
		"`contract_after` ago, names have not been watched for as long, or an instance does not say which sessions it has",
	Remedy: "stop the old app, and wait; `--end-sessions` ends sessions of the old version, `--allow-bypass` accepts those past the instances, `--force --reason` accepts a short silence",
	refusal: &refusal{
		each:     true,
		says:     func([]Finding) string { return "the old names may still be needed" },
		override: "allow_bypass accepts sessions past the instances, end_sessions ends those of an old version, and force, with a reason, accepts a short silence",
		overrideCLI: `--allow-bypass accepts sessions past the instances, --end-sessions ends those of an old version, ` +
			`--force --reason "..." accepts a short silence`,
	},
}

// lookProofs finds what keeps contract from being proved harmless, each with its figure.
func lookProofs(ctx context.Context, s *Subject, r *report) error {
	if s.Migration.Phase != rules.Cutover || s.To != "" && s.To != rules.Contracted {
		return nil
	}
	blocks := []rules.Phase{rules.Contracted}
	clients, silent, err := s.Fleet.Clients(ctx)
	if err != nil {
		return err
	}
	if !s.Accept.EndSessions {
		r.each(contractProof, Pinned(clients, rules.VersionsWithout(s.Migration, s.All)), func(b Blocker) Finding {
			return Finding{Message: b.Why + ", through instance " + b.Instance, Hint: "stop that app", Blocks: blocks}
		})
	}
	for _, u := range silent {
		r.add(contractProof, Object{Instance, u.Instance}, Finding{Message: u.Why, Blocks: blocks})
	}
	if !s.Accept.Force && s.Migration.ContractAfter != 0 {
		f, about, err := silence(ctx, s)
		if err != nil {
			return err
		}
		if f != nil {
			f.Blocks = blocks
			r.add(contractProof, about, *f)
		}
	}
	if s.Accept.AllowBypass {
		return nil
	}
	past, err := s.Fleet.Direct(ctx)
	for n := range past {
		past[n].Why += " reaches the database past the instances"
	}
	r.each(contractProof, past, func(b Blocker) Finding {
		return Finding{Message: b.Why, Hint: "connect it through Segue, or allow it", Blocks: blocks}
	})
	return err
}

// silence checks that no old name was used for as long as the migration demands, and that they have been watched for as
// long; nil when it is so.
func silence(ctx context.Context, s *Subject) (*Finding, Object, error) {
	demanded := s.Migration.ContractAfter
	use, err := s.Fleet.LastOldUse(ctx)
	if err != nil {
		return nil, Object{}, err
	}
	if use != nil && use.Ago < demanded {
		who := fmt.Sprintf("user %s (application_name %q)", use.User, use.Application)
		if use.User == "" {
			who = "one of so many users and applications that not all are told apart"
		}
		return &Finding{
			Message: fmt.Sprintf("%s was used %s ago in version %s by %s, and contract_after demands a silence of %s",
				use.name(), use.Ago.Round(time.Millisecond), use.Version, who, demanded),
			Hint: "stop that app, and wait until " + use.Last.Add(demanded).UTC().Format("2006-01-02 15:04:05Z"),
		}, use.object(), nil
	}
	watched, err := s.Fleet.Watched(ctx)
	if err != nil || watched >= demanded {
		return nil, Object{}, err
	}
	return &Finding{
		Message: fmt.Sprintf("the old names have been watched for %s only; contract_after demands a silence of %s", watched.Round(time.Second), demanded),
	}, Object{Migration, s.Migration.ID}, nil
}

// name is what was used.
func (u *Use) name() string { return strings.TrimSuffix(u.Table+"."+u.Column, ".") }

func (u *Use) object() Object {
	if u.Column == "" {
		return Object{Table, u.Table}
	}
	return Object{Column, u.name()}
}
