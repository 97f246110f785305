package script

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
)

// Runner plays cases against a target, one at a time. It remembers what the target announces, and what is to be cleaned away.
type Runner struct {
	t    *Target
	id   string // marks messages as this runner's
	caps map[Protocol]announced
	sent bool // a message may have gone to To
}

// announced is what a server announces before login and after it.
type announced struct{ before, after []string }

// NewRunner makes a runner. Close it, so that nothing stays in the account.
func NewRunner(t *Target) *Runner {
	return &Runner{t: t, id: fmt.Sprintf("%016x", rand.Uint64()), caps: map[Protocol]announced{}}
}

// Capabilities returns what the server of a protocol announces before and after login.
func (r *Runner) Capabilities(ctx context.Context, p Protocol) (before, after []string, err error) {
	if a, ok := r.caps[p]; ok {
		return a.before, a.after, nil
	}
	c, err := r.dial(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	defer c.leave()
	if err := c.open(r.t, p != SMTP && p != LMTP && p != POP2); err != nil {
		return nil, nil, err
	}
	r.caps[p] = announced{c.first, c.caps}
	return c.first, c.caps, nil
}

// open reads a greeting and what is announced, and logs in if that is wanted.
func (c *conn) open(t *Target, login bool) error {
	switch c.protocol {
	case IMAP:
		return c.loginIMAP(t)
	case POP3:
		return c.openPOP3(t, login)
	case ManageSieve:
		return c.openSieve(t, login)
	case SMTP, LMTP:
		return c.openSMTP(t, login)
	}
	_, err := c.response()
	return err
}

func (r *Runner) dial(ctx context.Context, p Protocol) (*conn, error) {
	dial := r.t.Dial[p]
	if dial == nil {
		return nil, fmt.Errorf("no server for %s", p)
	}
	nc, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	return newConn(nc, p, r.t.timeout()), nil
}

// credentials are the variables that are set from the beginning.
func credentials(t *Target) vars {
	in64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	domain := t.To[strings.LastIndexByte(t.To, '@')+1:]
	return vars{"user": t.User, "password": t.Password, "user64": in64(t.User), "password64": in64(t.Password),
		"plain": in64("\x00" + t.User + "\x00" + t.Password), "badplain": in64("\x00" + t.User + "\x00not " + t.Password),
		"userurl": url.QueryEscape(t.User), "from": t.From, "to": t.To, "domain": domain, "hello": t.hello()}
}

// Run plays a case, and returns what came of each of its clauses, or of its checks if it has none. What it made in the account is
// removed, also when ctx ends.
func (r *Runner) Run(ctx context.Context, c *Case) []Result {
	checks := c.Clauses()
	if len(checks) == 0 {
		checks = c.Checks
	}
	out := make([]Result, len(checks))
	for i, check := range checks {
		out[i] = Result{Case: c, Check: check, Outcome: NotReached, Why: "an earlier line of the case failed"}
	}
	all := func(o Outcome, why string) []Result {
		for i := range out {
			out[i].Outcome, out[i].Why = o, why
		}
		return out
	}
	if why := r.lacks(c); why != "" {
		return all(NotOffered, why)
	}
	p := &play{ctx: ctx, r: r, c: c, conns: map[int]*conn{}, vars: credentials(r.t)}
	defer p.close()
	why, err := p.prepare()
	if why != "" {
		return all(NotOffered, why)
	}
	at := 0
	for i := 0; err == nil && i < len(c.Checks); i++ {
		err = p.steps(c.Checks[i].steps)
		over := errors.Is(err, errOver)
		if (err == nil || over) && c.Checks[i] == checks[at] {
			out[at].Outcome, out[at].Why = Pass, ""
			at++
		}
		if over || errors.Is(err, errNotFor) {
			for ; at < len(out); at++ {
				out[at].Outcome, out[at].Why = NotOffered, err.Error()
			}
			err = nil
			break
		}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil && at < len(out) {
		out[at].Outcome, out[at].Why, out[at].Known = Fail, err.Error(), out[at].Check.KnownOf(r.t.Name)
	}
	for i := range out {
		out[i].Transcript = p.transcript.String()
	}
	return out
}

// lacks says why a case can't be played here, before anything is connected to.
func (r *Runner) lacks(c *Case) string {
	switch {
	case ofAny(c.skips, r.t.Name) != "":
		return ofAny(c.skips, r.t.Name)
	case c.Kind == Security && !r.t.Security, c.Kind == Stress && !r.t.Stress:
		return "only when asked for: " + string(c.Kind)
	case r.t.TLS == nil && c.uses(startTLS):
		return "needs TLS"
	case c.Login && r.t.User == "":
		return "needs a user"
	case r.t.To == "" && slices.ContainsFunc(c.Protocols(), func(p Protocol) bool { return p == SMTP || p == LMTP }) && c.mentions("<to>"):
		return "needs a recipient"
	}
	for _, p := range c.Protocols() {
		if r.t.Dial[p] == nil {
			return "no server for " + string(p)
		}
	}
	return ""
}

// mentions reports whether a line that is sent has a text in it.
func (c *Case) mentions(text string) bool {
	for _, check := range c.Checks {
		for _, s := range check.steps {
			if strings.Contains(s.text, text) {
				return true
			}
		}
	}
	return false
}

// suits says what a case needs that is not among the capabilities. Those that it needs may set variables.
func (c *Case) suits(has []string, v vars) string {
	for _, need := range c.Need {
		name, absent := strings.CutPrefix(need, "!")
		w := parseWild(name)
		if slices.ContainsFunc(has, func(h string) bool {
			found := vars{}
			if !w.match(h, true, v, found) {
				return false
			}
			for name, value := range found {
				v[name] = value
			}
			return true
		}) == absent {
			return "needs " + need
		}
	}
	return ""
}
