package acmepeer

import (
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// authority is Pebble in this process: strict, as Let's Encrypt is going to be.
type authority struct {
	t     *testing.T
	url   string // of its directory
	roots string // a file: what its own server is believed by
	issue string // a file: what its certificates are believed by
	down  atomic.Bool
	ready sync.WaitGroup
	serve http.Handler
	names sync.Map // those that the DNS has
	db    *db.MemoryStore
	ca    *ca.CAImpl
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	a := &authority{t: t, db: db.NewMemoryStore()}
	a.ready.Add(1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.down.Load() {
			panic(http.ErrAbortHandler)
		}
		a.ready.Wait()
		a.serve.ServeHTTP(w, r)
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	a.url, a.roots, a.issue = srv.URL+wfe.DirectoryPath, t.TempDir()+"/roots.pem", t.TempDir()+"/issued.pem"
	require.NoError(t, os.WriteFile(a.roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o644))
	a.ca = ca.New(log.New(io.Discard, "", 0), a.db, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "as short as these are going to be", ValidityPeriod: 6 * 86400}})
	require.NoError(t, os.WriteFile(a.issue, a.ca.GetRootCert(0).PEM(), 0o644))
	return a
}

// begin lets it answer. It looks for proofs at these ports.
func (a *authority) begin(httpPort, tlsPort int, bound bool) {
	quiet := log.New(io.Discard, "", 0)
	v := va.New(quiet, httpPort, tlsPort, true, a.nameServer(), a.db)
	front := wfe.New(quiet, a.db, v, a.ca, []string{"ca.test"}, true, bound, 1, 1)
	a.serve = front.Handler()
	a.ready.Done()
}

// nameServer answers with 127.0.0.1 for the names of a.names.
func (a *authority) nameServer() string {
	l, err := net.Listen("tcp", "127.0.0.1:0") // which is how Pebble asks
	require.NoError(a.t, err)
	srv := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		name := q.Question[0].Name
		if _, ok := a.names.Load(name); !ok {
			m.Rcode = dns.RcodeNameError
		} else if q.Question[0].Qtype == dns.TypeA {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.IPv4(127, 0, 0, 1)})
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = srv.ActivateAndServe() }()
	a.t.Cleanup(func() { _ = srv.Shutdown() })
	return l.Addr().String()
}
