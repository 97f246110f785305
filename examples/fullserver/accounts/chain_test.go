package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// fake is a source in memory.
type fake struct {
	spec      string
	passwords map[string]string // "" for a name alone
	down      bool
	asked     int
	binds     int
	byBind    bool
}

var errDown = errors.New("down")

func (f *fake) name() string                           { return f.spec }
func (f *fake) variables() string                      { return "u" }
func (f *fake) list(context.Context) ([]string, error) { return nil, errNoList }
func (f *fake) ping(context.Context) error             { return nil }

func (f *fake) login(_ context.Context, r *request) (*record, error) {
	f.asked++
	if f.down {
		return nil, errDown
	}
	p, ok := f.passwords[r.user]
	if !ok {
		return nil, nil
	}
	if f.byBind {
		return &record{user: r.user, bind: func(_ context.Context, password string) (bool, error) {
			f.binds++
			if f.down {
				return false, errDown
			}
			return f.passwords[r.user] == password, nil
		}}, nil
	}
	s, _ := passwdfile.ParseSecret("{PLAIN}"+p, "")
	return &record{user: r.user, secret: s}, nil
}

func (f *fake) user(_ context.Context, r *request) (*User, error) {
	f.asked++
	if f.down {
		return nil, errDown
	}
	if _, ok := f.passwords[r.user]; !ok {
		return nil, nil
	}
	return &User{Name: r.user}, nil
}

// made makes accounts of entries.
func made(o CacheOptions, entries ...*entry) *Accounts {
	a := &Accounts{o: Options{Domain: "d", MasterSeparator: "*", Cache: o}, cache: newCache(o), busy: make(chan struct{}, 2), seed: random(16), passdbs: entries, userdbs: entries}
	a.log = discard
	for _, e := range entries {
		if e.skip == "" {
			e.skip = "never"
		}
	}
	return a
}

func (a *Accounts) try(user, password string) error {
	_, err := a.Authenticator().Authenticate(context.Background(), &mail.AuthRequest{Username: user, Password: password})
	return err
}

// Dovecot's documentation of passdb: result_success "return-ok" and result_failure, result_internalfail "continue" are the defaults; skip, deny; what the last one and those
// before it say together.
func TestRules(t *testing.T) {
	yes := func() *fake { return &fake{spec: "yes", passwords: map[string]string{"u@d": "p"}} }
	no := func() *fake { return &fake{spec: "no", passwords: map[string]string{"u@d": "other"}} }
	none := func() *fake { return &fake{spec: "none"} }
	down := func() *fake { return &fake{spec: "down", down: true} }
	usual := func(f *fake) *entry {
		return &entry{source: f, success: ruleReturnOK, failure: ruleContinue, internal: ruleContinue}
	}
	with := func(f *fake, change func(*entry)) *entry {
		e := usual(f)
		change(e)
		return e
	}
	for name, tt := range map[string]struct {
		entries []*entry
		want    error
		asked   string // how often each
	}{
		"first":                       {[]*entry{usual(yes()), usual(no())}, nil, "1 0"},
		"second":                      {[]*entry{usual(none()), usual(yes())}, nil, "1 1"},
		"wrong password goes on":      {[]*entry{usual(no()), usual(yes())}, nil, "1 1"},
		"nobody":                      {[]*entry{usual(none()), usual(no())}, mail.ErrAuthFailed, "1 1"},
		"down goes on":                {[]*entry{usual(down()), usual(yes())}, nil, "1 1"},
		"down, and nobody knows":      {[]*entry{usual(down()), usual(none())}, errDown, "1 1"},
		"nobody, then down":           {[]*entry{usual(none()), usual(down())}, errDown, "1 1"},
		"failure returns":             {[]*entry{with(no(), func(e *entry) { e.failure = ruleReturn }), usual(yes())}, mail.ErrAuthFailed, "1 0"},
		"internalfail returns":        {[]*entry{with(down(), func(e *entry) { e.internal = ruleReturnFail }), usual(yes())}, errDown, "1 0"},
		"both have to":                {[]*entry{with(yes(), func(e *entry) { e.success = ruleContinue }), usual(yes())}, nil, "1 1"},
		"both have to, one doesn't":   {[]*entry{with(yes(), func(e *entry) { e.success = ruleContinue }), usual(no())}, mail.ErrAuthFailed, "1 1"},
		"good unless":                 {[]*entry{with(yes(), func(e *entry) { e.success = ruleContinueOK }), usual(no())}, nil, "1 1"},
		"good until":                  {[]*entry{with(yes(), func(e *entry) { e.success = ruleContinueOK }), with(no(), func(e *entry) { e.failure = ruleReturnFail })}, mail.ErrAuthFailed, "1 1"},
		"skipped when authenticated":  {[]*entry{with(yes(), func(e *entry) { e.success = ruleContinueOK }), with(no(), func(e *entry) { e.skip, e.failure = "authenticated", ruleReturnFail })}, nil, "1 0"},
		"skipped unless":              {[]*entry{usual(none()), with(yes(), func(e *entry) { e.skip = "unauthenticated" })}, mail.ErrAuthFailed, "1 0"},
		"denied":                      {[]*entry{with(no(), func(e *entry) { e.deny = true }), usual(yes())}, mail.ErrAuthFailed, "1 0"},
		"not denied":                  {[]*entry{with(none(), func(e *entry) { e.deny = true }), usual(yes())}, nil, "1 1"},
		"whether denied isn't known":  {[]*entry{with(down(), func(e *entry) { e.deny = true }), usual(yes())}, errDown, "1 0"},
		"success that means a no":     {[]*entry{with(yes(), func(e *entry) { e.success = ruleReturnFail }), usual(yes())}, mail.ErrAuthFailed, "1 0"},
		"failure that means a yes":    {[]*entry{with(none(), func(e *entry) { e.failure = ruleReturnOK })}, nil, "1"},
		"a no that goes on, then yes": {[]*entry{with(yes(), func(e *entry) { e.success = ruleContinueFail }), usual(yes())}, nil, "1 1"},
	} {
		a := made(CacheOptions{}, tt.entries...)
		err := a.try("u", "p")
		if tt.want == nil {
			require.NoError(t, err, name)
		} else {
			require.ErrorIs(t, err, tt.want, name)
		}
		var asked []string
		for _, e := range tt.entries {
			asked = append(asked, fmt.Sprint(e.source.(*fake).asked))
		}
		require.Equal(t, tt.asked, strings.Join(asked, " "), name)
	}
}

// Dovecot's documentation of the authentication cache: "If user's previous authentication was successful, but this one wasn't, the cache is not used"; auth_cache_negative_ttl
// "is used for user not found and password mismatch"; after auth_cache_ttl "the cached record is no longer used, except if the main database lookup returns internal failure".
func TestCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, bind := range []bool{false, true} {
			f := &fake{spec: "f", passwords: map[string]string{"u@d": "old"}, byBind: bind}
			a := made(CacheOptions{Size: 1 << 20, TTL: time.Hour, NegativeTTL: 10 * time.Minute}, &entry{source: f, success: ruleReturnOK, failure: ruleContinue, internal: ruleContinue})
			step := func(what, password string, want error, asked int) {
				t.Helper()
				f.asked = 0
				require.ErrorIs(t, a.try("u", password), want, what)
				require.Equal(t, asked, f.asked, what)
			}
			step("first", "old", nil, 1)
			step("again", "old", nil, 0)
			f.passwords["u@d"] = "new"
			step("the old one counts still", "old", nil, 0)
			step("the new one at once", "new", nil, 1)
			step("and from then on", "new", nil, 0)
			step("the old one no more", "old", mail.ErrAuthFailed, 1)
			if !bind {
				step("a wrong one after a wrong one", "wrong", mail.ErrAuthFailed, 0)
				step("a wrong one again", "wrong", mail.ErrAuthFailed, 0)
				time.Sleep(11 * time.Minute)
				step("after auth_cache_negative_ttl", "wrong", mail.ErrAuthFailed, 1)
			}
			step("right", "new", nil, map[bool]int{false: 0, true: 1}[bind])
			time.Sleep(61 * time.Minute)
			step("after auth_cache_ttl", "new", nil, 1)
			time.Sleep(61 * time.Minute)
			f.down = true
			step("while it is down", "new", nil, 1)
			if !bind {
				require.Error(t, a.try("u", "wrong"))
			}
			require.ErrorIs(t, a.try("nobody", "x"), errDown)
			f.down = false

			f.asked = 0
			require.ErrorIs(t, a.try("nobody", "x"), mail.ErrAuthFailed)
			require.ErrorIs(t, a.try("nobody", "y"), mail.ErrAuthFailed)
			require.Equal(t, 1, f.asked)
			f.passwords["nobody@d"] = "x"
			time.Sleep(11 * time.Minute)
			require.NoError(t, a.try("nobody", "x"))
		}
	})
}

func TestUserCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{spec: "f", passwords: map[string]string{"u@d": "x"}}
		a := made(CacheOptions{Size: 10 * nodeSize, TTL: time.Hour, NegativeTTL: time.Minute}, &entry{source: f, failure: ruleContinue, internal: ruleContinue})
		find := func(name string) bool { _, ok, _ := a.Find(context.Background(), name); return ok }
		require.True(t, find("u"))
		require.True(t, find("U@D"))
		require.False(t, find("n"))
		require.False(t, find("n"))
		require.Equal(t, 2, f.asked)
		time.Sleep(2 * time.Minute)
		require.False(t, find("n"))
		require.Equal(t, 3, f.asked)
		for i := range 1000 {
			find(fmt.Sprint("x", i))
		}
		require.LessOrEqual(t, a.cache.order.Len(), 10)
		require.Equal(t, a.cache.order.Len(), len(a.cache.nodes))
		require.LessOrEqual(t, a.cache.size, a.cache.o.Size)
		require.NoError(t, a.Reload())
		require.Zero(t, a.cache.size)
		f.down = true
		_, err := a.Lookup(context.Background(), "u")
		require.ErrorIs(t, err, errDown)
	})
}

// A name that nobody has takes as long as a wrong password: what is checked for it is of a cost that was seen.
func TestUnknownTakesAsLong(t *testing.T) {
	text, err := passwdfile.Hash("", "x")
	require.NoError(t, err)
	s, err := passwdfile.ParseSecret(text, "")
	require.NoError(t, err)
	f := &source1{secret: s}
	a := made(CacheOptions{}, &entry{source: f, success: ruleReturnOK, failure: ruleContinue, internal: ruleContinue})
	best := func(user string) time.Duration {
		least := time.Hour
		for range 5 {
			start := time.Now()
			require.ErrorIs(t, a.try(user, "wrong"), mail.ErrAuthFailed)
			least = min(least, time.Since(start))
		}
		return least
	}
	same := func(a, b time.Duration) bool { return a*3 > b && b*3 > a }
	var before, known, unknown time.Duration
	for range 20 { // other work on the machine can make one look slow, again and again can't
		a.decoys = decoys{}
		before, known, unknown = best("nobody"), best("u"), best("nobody")
		if same(before, known) && same(unknown, known) {
			return
		}
	}
	t.Errorf("a user takes %v, nobody %v before one was seen, %v after", known, before, unknown)
}

// source1 is a source with one user.
type source1 struct {
	fake
	secret *passwdfile.Secret
}

func (s *source1) login(_ context.Context, r *request) (*record, error) {
	if r.user != "u@d" {
		return nil, nil
	}
	return &record{user: r.user, secret: s.secret}, nil
}

func TestAbilities(t *testing.T) {
	f := &fake{spec: "f", passwords: map[string]string{"u@d": "x"}}
	a := made(CacheOptions{}, &entry{source: f, success: ruleReturnOK, failure: ruleContinue, internal: ruleContinue})
	_, ok := a.Authenticator("plain").(mail.PasswordStore)
	require.False(t, ok)
	_, ok = a.Authenticator("cram-md5", "scram-sha-1").(mail.SCRAMStore)
	require.True(t, ok)
	p, id, err := a.Authenticator("apop").(mail.PasswordStore).Password(context.Background(), &mail.AuthRequest{Username: "U"})
	require.NoError(t, err)
	require.Equal(t, "x", p)
	require.Equal(t, "u@d", id.Account)
	_, _, err = a.Authenticator("apop").(mail.PasswordStore).Password(context.Background(), &mail.AuthRequest{Username: "v"})
	require.ErrorIs(t, err, mail.ErrAuthFailed)
	keys := a.Authenticator("scram-sha-256").(mail.SCRAMStore)
	one, _, err := keys.SCRAM(context.Background(), &mail.AuthRequest{Username: "u"}, "SHA-256")
	require.NoError(t, err)
	two, _, err := keys.SCRAM(context.Background(), &mail.AuthRequest{Username: "v"}, "SHA-256")
	require.ErrorIs(t, err, mail.ErrAuthFailed)
	require.Len(t, two.Salt, len(one.Salt))
	f.down = true
	_, _, err = keys.SCRAM(context.Background(), &mail.AuthRequest{Username: "u"}, "SHA-256")
	require.ErrorIs(t, err, errDown)
}

// A master user logs in as somebody else, by the separator or by the authorization identity (RFC 4616 section 2), and nobody else does.
func TestMasters(t *testing.T) {
	users := &fake{spec: "users", passwords: map[string]string{"u@d": "x", "m@d": "own"}}
	a := made(CacheOptions{}, &entry{source: users, success: ruleReturnOK, failure: ruleContinue, internal: ruleContinue})
	masters := &entry{source: &fake{spec: "masters", passwords: map[string]string{"m@d": "master"}}, success: ruleReturnOK, failure: ruleContinue, internal: ruleContinue, skip: "never"}
	login := func(q mail.AuthRequest) string {
		id, err := a.Authenticator().Authenticate(context.Background(), &q)
		if err != nil {
			require.ErrorIs(t, err, mail.ErrAuthFailed)
			return ""
		}
		require.Equal(t, "u@d", id.Account)
		return id.Username
	}
	require.Equal(t, "", login(mail.AuthRequest{Username: "u*m", Password: "master"}), "there are none yet")
	a.masters = append(a.masters, masters)
	require.Equal(t, "u@d", login(mail.AuthRequest{Username: "U*m", Password: "master"}))
	require.Equal(t, "U@d", login(mail.AuthRequest{Username: "m", Authorize: "U@d", Password: "master"}))
	for _, q := range []mail.AuthRequest{
		{Username: "u*m", Password: "own"}, {Username: "u*m", Password: "x"}, {Username: "u*u", Password: "x"}, {Username: "n*m", Password: "master"}, {Username: "*m", Password: "master"}, {Username: "u*", Password: "x"},
		{Username: "u", Authorize: "m", Password: "x"}, {Username: "m", Password: "master"}, {Username: "m", Authorize: "n", Password: "master"}, {Username: "m", Authorize: "../x", Password: "master"},
	} {
		require.Equal(t, "", login(q), "%v", q)
	}
	require.Equal(t, "u", login(mail.AuthRequest{Username: "u", Authorize: "u", Password: "x"}))
}
