// Package queuetest is the contract of a queue's storage as a test suite. Whoever writes a [queue.Storage] runs it:
//
//	func TestStorage(t *testing.T) {
//		queuetest.Run(t, func(t *testing.T) queuetest.Opened {
//			s := open(t.TempDir())
//			return queuetest.Opened{Storage: s, Reopen: …}
//		})
//	}
package queuetest

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
)

// Opened is a storage under test.
type Opened struct {
	Storage queue.Storage

	// Reopen closes the storage, as the end of its process would, and opens the same data again.
	Reopen func(t *testing.T) queue.Storage

	// Damage changes the content of a message on its medium so that it is wrong. nil skips the tests about that.
	Damage func(t *testing.T, id string)

	// Damaged returns how many messages have been set aside. It may be nil if Damage is.
	Damaged func(t *testing.T) int
}

// Run runs the suite. open is called for each test and returns an empty storage, which is closed at the test's end. It
// must be on the real clock.
func Run(t *testing.T, open func(t *testing.T) Opened) {
	for _, tt := range []struct {
		name string
		run  func(s *suite)
	}{
		{"Enqueue", testEnqueue},
		{"Arrived", testArrived},
		{"EnvelopeIsKept", testEnvelope},
		{"AbortLeavesNothing", testAbort},
		{"CommitMayBeRepeated", testCommitAgain},
		{"ReadErrorLeavesNothing", testReadError},
		{"NotBefore", testNotBefore},
		{"Held", testHeld},
		{"ClaimOrderAndLimits", testClaimLimits},
		{"ClaimIsExclusive", testExclusive},
		{"RecordSurvives", testRecord},
		{"FinishRetry", testRetry},
		{"FinishDone", testDone},
		{"OwedAndNotified", testOwed},
		{"Refill", testRefill},
		{"Fence", testFence},
		{"ReopenEndsLeases", testReopen},
		{"HoldAndRelease", testHold},
		{"EditLeased", testEditLeased},
		{"Delete", testDelete},
		{"FlushAndRequeue", testFlush},
		{"Order", testOrder},
		{"OrderLeased", testOrderLeased},
		{"History", testHistory},
		{"Filter", testFilter},
		{"List", testList},
		{"OpenContent", testOpen},
		{"DamagedContent", testDamaged},
		{"ManyAtOnce", testConcurrent},
		{"Model", testModel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &suite{T: t, ctx: t.Context(), opened: open(t)}
			s.st = s.opened.Storage
			defer func() {
				if err := s.st.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}()
			tt.run(s)
		})
	}
}

// suite is what each test works with.
type suite struct {
	*testing.T
	ctx    context.Context
	opened Opened
	st     queue.Storage
}

func (s *suite) reopen() {
	s.Helper()
	s.st = s.opened.Reopen(s.T)
}

// noError ends the test at an error.
func (s *suite) noError(err error, what string) {
	s.Helper()
	if err != nil {
		s.Fatalf("%s: %v", what, err)
	}
}

func (s *suite) errorIs(err, want error, what string) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("%s: got error %v, want %v", what, err, want)
	}
}

func (s *suite) equal(got, want any, what string) {
	s.Helper()
	if got != want {
		s.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

const content = "From: a@example.org\r\nSubject: x\r\n\r\n.dot\r\nno end of line"

// put stores a message.
func (s *suite) put(from string, to ...string) string {
	s.Helper()
	return s.place(queue.Placement{}, from, to...)
}

func (s *suite) putAt(notBefore time.Time, from string, to ...string) string {
	s.Helper()
	return s.place(queue.Placement{NotBefore: notBefore}, from, to...)
}

func (s *suite) place(at queue.Placement, from string, to ...string) string {
	s.Helper()
	m := &queue.Message{From: from}
	for _, a := range to {
		m.Recipients = append(m.Recipients, queue.Recipient{Address: a, State: queue.Pending})
	}
	d, err := s.st.Create(s.ctx)
	s.noError(err, "Create")
	s.noError(d.Write(s.ctx, m, strings.NewReader(content)), "Write")
	s.noError(d.Commit(s.ctx, at), "Commit")
	return d.ID()
}

// claim leases what is due.
func (s *suite) claim() []*queue.Lease {
	s.Helper()
	var all []*queue.Lease
	for {
		leases, _, err := s.st.Claim(s.ctx, queue.ClaimQuery{Messages: 100})
		s.noError(err, "Claim")
		if len(leases) == 0 {
			return all
		}
		all = append(all, leases...)
	}
}

// claimOne leases the only message that is due.
func (s *suite) claimOne() *queue.Lease {
	s.Helper()
	leases := s.claim()
	if len(leases) != 1 {
		s.Fatalf("Claim: got %d leases, want 1", len(leases))
	}
	return leases[0]
}

func (s *suite) finish(l *queue.Lease, f queue.Finish) {
	s.Helper()
	s.noError(s.st.Finish(s.ctx, l, f), "Finish")
}

func (s *suite) edit(f queue.Filter, op queue.Op, want int) {
	s.Helper()
	n, err := s.st.Edit(s.ctx, f, op)
	s.noError(err, "Edit")
	s.equal(n, want, "messages edited by "+string(rune(op)))
}

// states returns the state of each message.
func (s *suite) states() map[string]queue.State {
	s.Helper()
	out := map[string]queue.State{}
	for e, err := range s.st.List(s.ctx, queue.Filter{}) {
		s.noError(err, "List")
		if old, twice := out[e.ID]; twice {
			s.Fatalf("List: %s is there twice, %s and %s", e.ID, old, e.State)
		}
		out[e.ID] = e.State
	}
	return out
}

func (s *suite) text(id string) string {
	s.Helper()
	_, c, err := s.st.Open(s.ctx, id)
	s.noError(err, "Open")
	defer c.Close()
	b, err := io.ReadAll(c)
	s.noError(err, "reading the content")
	return string(b)
}

// outcome is one for some recipients.
func outcome(state queue.RecipientState, owed bool, rcpts ...int) queue.Outcome {
	code := map[queue.RecipientState]int{queue.Delivered: 250, queue.Pending: 451, queue.Failed: 550}[state]
	return queue.Outcome{Recipients: rcpts, State: state, Owed: owed, Attempt: queue.Attempt{
		Time:  time.Now(),
		Reply: mail.NewReply(code, mail.EnhancedCode{code / 100, 1, 2}, "said\n\"so\""),
		Relay: "mx.example.net[192.0.2.1]:25",
	}}
}
