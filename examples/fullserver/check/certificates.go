package check

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/acmecert"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/examples/fullserver/tlscert"
)

// certificate looks at those that are shown to clients.
func (k *checker) certificate(ctx context.Context) {
	t := &k.s.TLS
	if t.None() {
		k.warn(k.at("smtpd_tls_cert_file", "there is no certificate: passwords can't be protected; leave the parameter out and one is made"))
		return
	}
	k.named(ctx)
	k.acme()
	param, files := t.Param(), tlscert.Files{Chains: t.ChainFiles}
	for _, file := range t.ChainFiles {
		k.secret(param, file)
	}
	if len(files.Chains) == 0 {
		for _, p := range t.Pairs() {
			files.Pairs = append(files.Pairs, tlscert.Pair(p))
			k.secret("smtpd_tls_key_file", p.Key)
		}
		if _, err := os.Stat(t.CertFile); errors.Is(err, fs.ErrNotExist) && !k.c.Given("smtpd_tls_cert_file") {
			return // it is made at the start
		}
	}
	src, err := tlscert.Open(tlscert.Options{Files: files})
	if err != nil {
		k.fail(k.c.ErrorFor(param, err))
		return
	}
	fits := false
	for _, c := range src.Certificates() {
		if len(k.s.ACME.Names) == 0 || k.c.Given(param) { // one by ACME takes its place
			k.expiry(param, c)
		}
		fits = fits || c.Leaf.VerifyHostname(k.s.MyHostname) == nil
	}
	if !fits && len(k.s.ACME.Names) == 0 {
		k.warn(k.at(param, "%s is not for %s: get one for that name, or set myhostname to one of its names", src.Certificates()[0].From, k.s.MyHostname))
	}
}

// acme looks at the certificates of acme_names, and why there are none.
func (k *checker) acme() {
	for _, name := range server.ACMENames(k.s) {
		st := acmecert.Look(acmecert.Options{Dir: filepath.Join(k.s.DataDirectory, "acme"), Directory: k.s.ACME.Directory, Now: k.Now}, name)
		if st.Certificate != nil {
			k.secret("data_directory", st.File)
			k.expiry("acme_names", tlscert.Shown{From: st.File, Leaf: st.Certificate})
		}
		switch f := st.Failure; {
		case f != nil:
			k.warn(k.at("acme_names", "no certificate for %s could be got at %s: %s; it is tried again at %s", name, f.At.UTC().Format(minute), f.Reason, f.Again.UTC().Format(minute)))
		case st.Certificate == nil:
			k.warn(k.at("acme_names", "there is no certificate for %s yet: the running server gets it", name))
		}
	}
}

const minute = "2006-01-02 15:04 UTC"

// expiry tells of a certificate that has expired or will soon.
func (k *checker) expiry(param string, c tlscert.Shown) {
	switch left := c.Leaf.NotAfter.Sub(k.Now()); {
	case left < 0:
		k.fail(k.at(param, "%s", tlscert.Expiry(c, k.Now())))
	case left < min(30*24*time.Hour, c.Leaf.NotAfter.Sub(c.Leaf.NotBefore)/3):
		k.warn(k.at(param, "%s", tlscert.Expiry(c, k.Now())))
	}
}

// named looks at the certificates of tls_server_sni_maps.
func (k *checker) named(ctx context.Context) {
	const param = "tls_server_sni_maps"
	if k.s.TLS.SNIMaps == "" {
		return
	}
	l, err := lookup.OpenList(ctx, k.s.TLS.SNIMaps, &lookup.Options{Warn: func(err error) { k.warn(err) }})
	if err != nil {
		k.fail(k.c.ErrorFor(param, err))
		return
	}
	defer l.Close()
	k.answers(l.Ping(ctx))
	for _, t := range l.Tables() {
		seq, ok := t.(lookup.Sequencer)
		if !ok {
			continue
		}
		for e, err := range seq.All(ctx) {
			if errors.Is(err, lookup.ErrNoSequence) {
				break
			}
			if err != nil {
				k.fail(k.c.ErrorFor(param, err))
				break
			}
			k.namedOne(param, e)
		}
	}
}

func (k *checker) namedOne(param string, e lookup.Entry) {
	list, err := tlscert.Value(e.Value)
	if err != nil {
		k.fail(k.at(param, "%s: %v", e.Key, err))
		return
	}
	name, fits := e.Key, false
	if strings.HasPrefix(name, ".") {
		name = "any" + name
	}
	for _, c := range list {
		if c.From != "" {
			k.secret(param, c.From)
		}
		k.expiry(param, c)
		fits = fits || c.Leaf.VerifyHostname(name) == nil
	}
	if !fits {
		k.warn(k.at(param, "%s: the certificate is not for that name", e.Key))
	}
}
