package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/buuta/mail"
)

// result is what one source says to an attempt to log in.
type result uint8

const (
	unknown  result = iota // nobody of that name, or not from here
	mismatch               // wrong password, or none that could be used
	disabled               // somebody who may not log in, whatever else there is
	internal               // nobody knows
	success
)

// attempt is one login on its way through the sources.
type attempt struct {
	a      *Accounts
	r      *request
	verify func(ctx context.Context, rec *record) (bool, error)
	hashed bool // a password was checked against something
	app    bool // it was one made for a program
}

// through asks sources in turn, by Dovecot's rules. It returns who it is; the error is mail.ErrAuthFailed, or why nobody knows.
func (t *attempt) through(ctx context.Context, list []*entry) (user string, err error) {
	good := false
	var broken error
	last := unknown
	user = t.r.user
	for _, e := range list {
		if e.skip == "authenticated" && good || e.skip == "unauthenticated" && !good || !e.takes(t.r) {
			continue
		}
		rec, res, err := t.one(ctx, e)
		if err != nil {
			err = fmt.Errorf("%s: %w", e.source.name(), err)
			if ctx.Err() != nil {
				return "", err
			}
		}
		if e.deny && res != unknown {
			if res == internal {
				return "", err
			}
			return "", mail.ErrAuthFailed
		}
		last = res
		by := e.failure
		switch res {
		case disabled:
			return "", mail.ErrAuthFailed
		case success:
			by, user = e.success, rec.user
			t.r.user = user
		case internal:
			by, broken = e.internal, err
		}
		switch by {
		case ruleReturnOK, ruleContinueOK:
			good = true
		case ruleReturnFail, ruleContinueFail:
			good = false
		}
		if by <= ruleReturnFail {
			break
		}
	}
	switch {
	case last == internal, !good && broken != nil: // it may have had the right password
		return "", broken
	case good:
		return user, nil
	}
	return "", mail.ErrAuthFailed
}

// one asks one source.
func (t *attempt) one(ctx context.Context, e *entry) (*record, result, error) {
	c := t.a.cached(e.source, t.r)
	rec, err := t.record(ctx, e, c)
	if err != nil {
		return nil, internal, err
	}
	if rec == nil {
		return nil, unknown, nil
	}
	if e.deny {
		return rec, mismatch, nil
	}
	res, err := t.judge(ctx, rec)
	if res == mismatch && c.hit && c.again() {
		// "If user's previous authentication was successful, but this one wasn't, the cache is not used": the password may have changed.
		if rec, err = t.fetch(ctx, e, c); err != nil {
			return nil, internal, err
		}
		if rec == nil {
			return nil, unknown, nil
		}
		res, err = t.judge(ctx, rec)
	}
	c.settle(res == success, t.r.password)
	return rec, res, err
}

// record is what the source, or the cache, has.
func (t *attempt) record(ctx context.Context, e *entry, c *cachedLogin) (*record, error) {
	if rec, ok := c.get(); ok {
		return rec, nil
	}
	return t.fetch(ctx, e, c)
}

// fetch asks the source. While that fails what was known before counts.
func (t *attempt) fetch(ctx context.Context, e *entry, c *cachedLogin) (*record, error) {
	rec, err := e.source.login(ctx, t.r)
	if err != nil {
		if old, ok := c.stale(); ok && ctx.Err() == nil {
			return old, nil
		}
		return nil, err
	}
	c.put(rec)
	if rec != nil && rec.secret == nil && rec.problem != "" {
		t.a.log.Warn("this user can't log in", "source", e.source.name(), "user", rec.user, "reason", rec.problem)
	}
	return rec, nil
}

// judge checks the password, and whether he may log in from there.
func (t *attempt) judge(ctx context.Context, rec *record) (result, error) {
	ok, err := t.verify(ctx, rec)
	switch {
	case err != nil:
		return internal, err
	case !ok:
		return mismatch, nil
	case rec.rules.NoLogin():
		return disabled, nil
	case !rec.rules.Admit(t.r.remote):
		return unknown, nil // "make sure we'll fail this lookup, but the next passdb can succeed"
	}
	return success, nil
}

// password checks the password of the request.
func (t *attempt) password(ctx context.Context, rec *record) (bool, error) {
	switch {
	case rec.noPassword:
		return true, nil
	case rec.quick != nil:
		t.app = rec.quick(t.r.password)
		return t.app, nil
	case rec.bind != nil:
		t.hashed = true
		return rec.bind(ctx, t.r.password)
	case rec.secret == nil:
		return false, nil
	}
	t.hashed = true
	t.a.decoys.saw(rec.secret)
	if err := t.a.turn(ctx); err != nil {
		return false, err
	}
	defer func() { <-t.a.busy }()
	return rec.secret.Verify(t.r.password), nil
}

// turn waits until a processor is free for hashing.
func (a *Accounts) turn(ctx context.Context) error {
	select {
	case a.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pretend takes the time that the check of a password takes, if none was checked.
func (t *attempt) pretend(ctx context.Context, list []*entry) {
	if t.hashed {
		return
	}
	for _, e := range list {
		if p, ok := e.source.(interface {
			pretend(context.Context, *request) bool
		}); ok && p.pretend(ctx, t.r) {
			return
		}
	}
	if s := t.a.decoys.pick(t.r.user); s != nil && t.a.turn(ctx) == nil {
		s.Verify(t.r.password)
		<-t.a.busy
	}
}

// delay waits before a failure is told.
func (a *Accounts) delay(ctx context.Context, err error) error {
	if !errors.Is(err, mail.ErrAuthFailed) || a.o.FailureDelay <= 0 {
		return err
	}
	t := time.NewTimer(a.o.FailureDelay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return err
}
