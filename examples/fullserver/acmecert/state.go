package acmecert

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/secretfile"
	"github.com/buuta/mail/examples/fullserver/tlscert"
)

// Failure is what is remembered of a name for which no certificate could be got: also over a restart, as authorities count failures.
type Failure struct {
	Count  int
	At     time.Time
	Again  time.Time // when it is tried again
	Reason string
}

func (m *Manager) failureFile(name string) string { return filepath.Join(m.dir, "failed", name) }

// Failure returns how the last attempt for a name has failed, nil where it hasn't.
func (m *Manager) Failure(name string) *Failure { return m.failure(name) }

func (m *Manager) failure(name string) *Failure {
	b, err := os.ReadFile(m.failureFile(name))
	if err != nil {
		return nil
	}
	f := &Failure{}
	if json.Unmarshal(b, f) != nil || f.Again.Sub(m.o.Now()) > 2*lastRetry { // damaged, or written by a clock that was wrong
		return nil
	}
	return f
}

// failed remembers a failure, and returns when to try again: the first time soon, then after twice as long each time.
func (m *Manager) failed(name string, err error) time.Duration {
	f := m.failure(name)
	if f == nil {
		f = &Failure{}
	}
	wait := lastRetry
	if f.Count < 9 {
		wait = min(lastRetry, firstRetry<<f.Count)
	}
	wait = max(wait, min(retryAfter(err), 2*lastRetry))
	f.Count++
	f.At, f.Reason = m.o.Now(), explain(err)
	f.Again = f.At.Add(wait)
	kept := "there is none"
	if c := m.Certificate(name); c != nil {
		kept = "the one until " + c.NotAfter.UTC().Format("2006-01-02 15:04 UTC") + " stays in use"
	}
	m.o.Log(fmt.Sprintf("warning: acme: no new certificate for %s: %s; %s, and it is tried again in %s", name, f.Reason, kept, wait))
	b, err := json.Marshal(f)
	if err == nil {
		err = secretfile.Write(m.failureFile(name), b)
	}
	if err != nil {
		m.o.Log("warning: acme: " + err.Error())
	}
	return wait
}

// succeeded forgets failures and tells of a certificate.
func (m *Manager) succeeded(name string) {
	if err := os.Remove(m.failureFile(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		m.o.Log("warning: acme: " + err.Error())
	}
	if c := m.Certificate(name); c != nil {
		m.o.Log(fmt.Sprintf("acme: certificate for %s until %s, by %s", name, c.NotAfter.UTC().Format("2006-01-02 15:04 UTC"), c.Issuer.CommonName))
	}
	m.o.Changed(name)
}

// keep looks at what the authority has sent and makes it the name's certificate.
func (m *Manager) keep(name string, pem []byte) error {
	list, err := tlscert.Parse(pem)
	if err != nil {
		return fmt.Errorf("what the authority sent can't be used: %w", err)
	}
	if err := list[0].Leaf.VerifyHostname(name); err != nil {
		return fmt.Errorf("what the authority sent can't be used: %w", err)
	}
	return secretfile.Write(m.File(name), pem)
}
