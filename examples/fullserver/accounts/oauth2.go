package accounts

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/oauth2"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// oauthSource is a dovecot-oauth2.conf.ext.
type oauthSource struct {
	a    *Accounts
	spec string

	verifiers     []oauth2.Verifier
	more          oauth2.Verifier // introspection after tokeninfo; nil: none
	always        bool            // force_introspection
	scope         []string
	username      string // the claim
	asked, names  *template
	active, value string
	fields        []oauthField
	configuration string
	client        *http.Client
}

// oauthField is one of pass_attrs, "field=text with %{oauth2:claim}".
type oauthField struct {
	name string
	text fieldText
}

// verdict is what a source says of a token.
type verdict struct {
	token *oauth2.Token
	err   error
}

func (s *oauthSource) name() string                                  { return s.spec }
func (s *oauthSource) variables() string                             { return "w" } // nothing is remembered
func (s *oauthSource) user(context.Context, *request) (*User, error) { return nil, nil }
func (s *oauthSource) list(context.Context) ([]string, error)        { return nil, errNoList }
func (s *oauthSource) ping(context.Context) error                    { return nil } // it may be far away, and asking costs a token

func (s *oauthSource) takesTokens() {}

func (s *oauthSource) close() { s.client.CloseIdleConnections() }

// login finds out whether a token is good, and the user's own. A password is taken for a token where the entry says so.
func (s *oauthSource) login(ctx context.Context, r *request) (*record, error) {
	if r.token == "" && r.password == "" {
		return nil, nil // somebody asks who there is
	}
	v := s.ask(ctx, r)
	if v.err != nil {
		if errors.Is(v.err, mail.ErrAuthFailed) {
			s.note(r, v.err.Error())
			return nil, nil
		}
		return nil, v.err
	}
	if !s.matches(r, v) {
		s.note(r, "the token is another's")
		return nil, nil
	}
	fields := map[string]string{}
	for _, f := range s.fields {
		fields[f.name] = f.text.expand(r, v.token.Get(f.name), func(claim string) (string, bool) {
			return strings.Join(v.token.Fields[claim], "\t"), v.token.Has(claim)
		})
	}
	delete(fields, "password")
	delete(fields, "pass")
	fields["nopassword"] = "y" // it is checked
	if why := s.barred(v.token); why != "" {
		s.note(r, why)
		fields["nologin"] = "y"
	}
	return newRecord(r.user, fields, "", s.a.o.Domain)
}

// ask verifies the token, once a login.
func (s *oauthSource) ask(ctx context.Context, r *request) *verdict {
	if v := r.told[s]; v != nil {
		return v
	}
	v := new(verdict)
	if r.told == nil {
		r.told = map[*oauthSource]*verdict{}
	}
	r.told[s] = v
	token := r.token
	if token == "" {
		token = r.password
	}
	if v.token, v.err = oauth2.Verify(ctx, token, s.verifiers...); v.err != nil {
		return v
	}
	if s.more != nil && (s.always || !v.token.Has(s.username) || s.active != "" && !v.token.Has(s.active)) {
		more, err := s.more.Verify(ctx, token)
		if err != nil {
			v.err = err
			return v
		}
		for name, values := range more.Fields {
			v.token.Fields[name] = values
		}
	}
	return v
}

// named is the user whom a token names.
func (s *oauthSource) named(v *verdict) (string, bool) {
	if v.err != nil || len(v.token.Fields[s.username]) != 1 {
		return "", false
	}
	name, err := passwdfile.Canonical(v.token.Get(s.username), s.a.o.Domain)
	if err != nil {
		return "", false
	}
	out, err := s.names.expand(newRequest(name), verbatim)
	if err == nil {
		out, err = passwdfile.Canonical(out, s.a.o.Domain)
	}
	return out, err == nil
}

// matches reports whether a token's user is the one who logs in.
func (s *oauthSource) matches(r *request, v *verdict) bool {
	if len(v.token.Fields[s.username]) != 1 {
		return false
	}
	name, err := passwdfile.Canonical(v.token.Get(s.username), s.a.o.Domain)
	if err != nil {
		return false
	}
	theirs, _ := s.names.expand(newRequest(name), verbatim)
	ours, _ := s.asked.expand(r, verbatim)
	return theirs != "" && theirs == ours
}

// barred says why somebody whose token is good is not let in, "" when he is.
func (s *oauthSource) barred(t *oauth2.Token) string {
	switch {
	case s.active != "" && (!t.Has(s.active) || s.value != "" && t.Get(s.active) != s.value):
		return "the account isn't active"
	case s.username == "email" && t.Has("email_verified") && t.Get("email_verified") != "true":
		return "the email address isn't verified" // anybody may have asked for it
	case !s.inScope(t):
		return "the token's scope isn't enough"
	}
	return ""
}

// inScope reports whether a token is good for what is wanted. Of one that another server knows "aud" counts where there is no "scope", as in Dovecot.
func (s *oauthSource) inScope(t *oauth2.Token) bool {
	if !t.Has("scope") && len(s.scope) > 0 {
		return !slices.ContainsFunc(s.scope, func(w string) bool { return !slices.Contains(t.Fields["aud"], w) })
	}
	return oauth2.CheckScope(t, s.scope) == nil
}

func (s *oauthSource) note(r *request, why string) {
	s.a.log.Info("token refused", "source", s.spec, "user", r.user, "service", r.service, "reason", why)
}

func verbatim(v string) (string, error) { return v, nil }
