package accounts

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/auth/oauth2"
)

// openOAuth2 reads a dovecot-oauth2.conf.ext: the settings of Dovecot 2.3, and username_validation_format of 2.4.
func openOAuth2(spec, file string, a *Accounts) (source, error) {
	s, err := readSettings(file)
	if err != nil {
		return nil, err
	}
	for _, r := range []struct{ instead, name string }{
		{"write tls_ca_cert_file", "tls_ca_cert_dir"}, {"tokens of everybody would be in it", "rawlog_dir"}, {"passwords are no tokens; use another passdb for them", "grant_url"},
		{"the service and the addresses of clients are told to nobody", "send_auth_headers"},
	} {
		if err := s.refuse(r.instead, r.name); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"tls_allow_invalid_cert", "use_grant_password"} {
		if yes, err := s.flag(name, false); err != nil {
			return nil, err
		} else if yes {
			return nil, s.errorf(name, "%s is not supported: whoever answers instead of the server would let anybody in", name)
		}
	}
	out := &oauthSource{a: a, spec: spec, scope: strings.Fields(s.get("scope", "")), username: s.get("username_attribute", "email"), active: s.get("active_attribute", ""),
		value: s.get("active_value", ""), configuration: s.get("openid_configuration_url", "")}
	if out.value != "" && out.active == "" {
		return nil, s.errorf("active_value", "active_value needs active_attribute")
	}
	if err := out.formats(s); err != nil {
		return nil, err
	}
	if err := out.attributes(s); err != nil {
		return nil, err
	}
	client, err := oauthClient(s)
	if err != nil {
		return nil, err
	}
	out.client = client
	if err := out.where(s, client); err != nil {
		return nil, err
	}
	for _, ignored := range []string{"debug", "max_pipelined_requests", "tls_cipher_suite"} {
		s.get(ignored, "")
	}
	return out, s.unknown()
}

// formats reads what names look like.
func (o *oauthSource) formats(s *settings) (err error) {
	const letters = "und"
	if s.get("username_validation_format", "") != "" { // the name that the client gives is taken as it is
		if o.names, err = s.template("username_validation_format", "", letters); err != nil {
			return err
		}
		o.asked, err = parseTemplate("%u", letters)
		return err
	}
	o.names, err = s.template("username_format", "%Lu", letters)
	o.asked = o.names
	return err
}

// attributes reads pass_attrs.
func (o *oauthSource) attributes(s *settings) error {
	for word := range strings.FieldsSeq(s.get("pass_attrs", "")) {
		name, text, ok := strings.Cut(word, "=")
		if !ok || name == "" {
			return s.errorf("pass_attrs", "pass_attrs: %q is not name=value", word)
		}
		if name == "proxy" || name == "proxy_mech" {
			return s.errorf("pass_attrs", "pass_attrs: %s is not supported", name)
		}
		t, err := parseText(text, "oauth2", "undsr", true)
		if err != nil {
			return s.errorf("pass_attrs", "pass_attrs: %v", err)
		}
		o.fields = append(o.fields, oauthField{name, t})
	}
	return nil
}

// where reads who is asked about tokens.
func (o *oauthSource) where(s *settings, client *http.Client) error {
	mode, info, about, dict := s.get("introspection_mode", "auth"), s.get("tokeninfo_url", ""), s.get("introspection_url", ""), s.get("local_validation_key_dict", "")
	id, secret, issuers := s.get("client_id", ""), s.get("client_secret", ""), strings.Fields(s.get("issuers", ""))
	var err error
	if o.always, err = s.flag("force_introspection", false); err != nil {
		return err
	}
	for name, v := range map[string]string{"tokeninfo_url": info, "introspection_url": about, "openid_configuration_url": o.configuration} {
		if u, err := url.Parse(v); v != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return s.errorf(name, "%s is no URL that begins with https://", name)
		}
	}
	local := mode == "local"
	if local || dict != "" {
		j := &oauth2.JWT{Issuers: issuers, Scope: o.scope}
		if id != "" {
			j.Audience = []string{id}
		}
		var keys oauth2.AnyKeys
		if dict != "" {
			dir, ok := strings.CutPrefix(dict, "fs:posix:prefix=")
			if !ok || dir == "" {
				return s.errorf("local_validation_key_dict", "local_validation_key_dict is fs:posix:prefix=/folder/")
			}
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				return s.errorf("local_validation_key_dict", "%s: no such folder", dir)
			}
			keys = append(keys, &oauth2.KeyDir{Dir: dir})
		}
		if local && o.configuration != "" {
			p := &oauth2.Provider{Configuration: o.configuration, Client: client}
			if len(issuers) == 1 {
				p.Issuer = issuers[0]
			}
			keys = append(keys, p)
		}
		if j.Keys = keys; len(keys) == 0 {
			return s.errorf("introspection_mode", "introspection_mode=local needs local_validation_key_dict, or openid_configuration_url to fetch the keys from")
		}
		o.verifiers = append(o.verifiers, j)
	}
	if local {
		return nil
	}
	if mode != "auth" && mode != "get" && mode != "post" {
		return s.errorf("introspection_mode", "introspection_mode is auth, get, post or local")
	}
	if about != "" {
		o.more = &oauth2.Introspection{URL: about, Method: oauth2.Method(mode), ClientID: id, ClientSecret: secret, Client: client}
	}
	switch {
	case info != "":
		o.verifiers = append(o.verifiers, &oauth2.Introspection{URL: info, Method: oauth2.Get, Client: client})
	case o.more != nil:
		o.verifiers, o.more = append(o.verifiers, o.more), nil
	case len(o.verifiers) == 0:
		return errors.New(s.file + ": one of tokeninfo_url, introspection_url and local_validation_key_dict must be given")
	}
	return nil
}

// oauthClient makes the client for HTTP. timeout_msecs = 0 is ten seconds here: somebody waits.
func oauthClient(s *settings) (*http.Client, error) {
	number := func(name string, standard int) (int, error) {
		v := s.get(name, "")
		if v == "" {
			return standard, nil
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > 600_000 {
			return 0, s.errorf(name, "%s is a number, 600000 at most", name)
		}
		return n, nil
	}
	wait, err := number("timeout_msecs", 0)
	if err != nil {
		return nil, err
	}
	if wait == 0 {
		wait = 10_000
	}
	idle, err := number("max_idle_time_msecs", 60_000)
	if err != nil {
		return nil, err
	}
	most, err := number("max_parallel_connections", 10)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{}
	if file := s.get("tls_ca_cert_file", ""); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, s.errorf("tls_ca_cert_file", "%v", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, s.errorf("tls_ca_cert_file", "%s: no certificate in it", file)
		}
	}
	if cert, key := s.get("tls_cert_file", ""), s.get("tls_key_file", ""); cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, s.errorf("tls_cert_file", "tls_cert_file: %v", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig, t.MaxConnsPerHost, t.IdleConnTimeout = c, most, time.Duration(idle)*time.Millisecond
	return &http.Client{Transport: t, Timeout: time.Duration(wait) * time.Millisecond, CheckRedirect: oauth2.CheckRedirect}, nil
}
