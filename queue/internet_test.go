package queue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// internet is a world of hosts with bad habits. The kind of a host is the first word of its name.
type internet struct {
	mu      sync.Mutex
	rnd     *rand.Rand           // used under mu
	busy    map[string]int       // connections
	met     map[string]time.Time // greylisting: when a recipient was first seen
	hour    map[string]int       // messages in the hour
	got     map[string]int       // deliveries by "from>to"
	lied    map[string]bool      // took the message and said that it didn't
	returns map[string]int       // failure reports by "from>to"
}

func (n *internet) chance(one int) bool { return n.rnd.IntN(one) == 0 }

type netHost struct {
	n    *internet
	name string
}

func (h *netHost) Begin(ctx context.Context, from string, _ *mail.MailOptions) (mail.Transaction, error) {
	n := h.n
	n.mu.Lock()
	kind, _, _ := strings.Cut(h.name, "-")
	n.busy[h.name]++
	busy := n.busy[h.name]
	down := kind == "dead" || kind == "flaky" && n.chance(3)
	n.mu.Unlock()
	if down {
		h.hangUp(30 * time.Second)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection timed out")}
	}
	if kind == "narrow" && busy > 5 {
		h.hangUp(time.Second)
		return nil, mail.NewReply(421, mail.EnhancedCode{4, 7, 0}, "Too many connections")
	}
	return &netTx{h: h, kind: kind, from: from}, nil
}

func (h *netHost) hangUp(after time.Duration) {
	time.Sleep(after)
	h.n.mu.Lock()
	h.n.busy[h.name]--
	h.n.mu.Unlock()
}

type netTx struct {
	h          *netHost
	kind, from string
	to         []string
	body       string
	over       bool
}

func (t *netTx) Recipient(_ context.Context, to string, _ *mail.RcptOptions) error {
	n := t.h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case strings.HasPrefix(to, "unknown"):
		return mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "No such user")
	case strings.HasPrefix(to, "full"):
		return mail.NewReply(452, mail.EnhancedCode{4, 2, 2}, "Mailbox full")
	case t.kind == "grey":
		if first, ok := n.met[t.from+to]; !ok || time.Since(first) < 10*time.Minute {
			if !ok {
				n.met[t.from+to] = time.Now()
			}
			return mail.NewReply(450, mail.EnhancedCode{4, 7, 1}, "Greylisted")
		}
	case t.kind == "rate":
		key := t.h.name + time.Now().Format("15 Jan 2")
		if n.hour[key]++; n.hour[key] > 20 {
			return mail.NewReply(451, mail.EnhancedCode{4, 7, 1}, "Too much mail, try again later")
		}
	case t.kind == "moody" && n.chance(4):
		return mail.NewReply(450, mail.EnhancedCode{4, 3, 2}, "Not now")
	}
	t.to = append(t.to, to)
	return nil
}

func (t *netTx) Body(_ context.Context, r io.Reader) error {
	b, err := io.ReadAll(r)
	t.body = string(b)
	if t.kind == "slow" {
		time.Sleep(10 * time.Minute)
	}
	return err
}

func (t *netTx) Commit(context.Context) ([]mail.Result, error) {
	n := t.h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	// A liar takes the message, but its yes is lost.
	liar := t.kind == "lying" && t.from != "" && !n.lied[t.from]
	var out []mail.Result
	for _, to := range t.to {
		if t.from != "" {
			n.got[t.from+">"+to]++
			if liar {
				n.lied[t.from] = true
			}
		} else {
			for _, group := range strings.Split(t.body, "\r\n\r\n") {
				if _, rcpt, ok := strings.Cut(group, "Final-Recipient: rfc822; "); ok && strings.Contains(group, "Action: failed") {
					rcpt, _, _ = strings.Cut(rcpt, "\r\n")
					n.returns[to+">"+rcpt]++
				}
			}
		}
		out = append(out, mail.Result{Recipient: to, Reply: mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "OK")})
	}
	if liar {
		return nil, io.ErrUnexpectedEOF
	}
	return out, nil
}

func (t *netTx) Abort() error {
	if !t.over {
		t.over = true
		t.h.hangUp(0)
	}
	return nil
}

// Five days in a bad world, with restarts: each message that was accepted is delivered or returned, once. Only who has
// lost his own yes gets a message twice.
func TestFiveDays(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { fiveDays(t, seed) })
		})
	}
}

func fiveDays(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 5))
	n := &internet{
		rnd: rand.New(rand.NewPCG(seed, 6)), busy: map[string]int{}, met: map[string]time.Time{}, hour: map[string]int{}, got: map[string]int{},
		lied: map[string]bool{}, returns: map[string]int{},
	}
	disk := newDisk(t)
	open := func() *queue.Queue {
		q := &queue.Queue{
			Dir: "/spool", FS: disk, Limits: queue.Limits{ActiveRecipients: 100, RecipientMinimum: 5},
			Transports: map[string]*queue.Transport{"smtp": {
				Deliverer: func(hop string) mail.Deliverer { return &netHost{n, hop} }, RecipientLimit: 10,
			}},
		}
		require.NoError(t, q.Start())
		return q
	}
	q := open()
	kinds := []string{"good", "good", "dead", "flaky", "narrow", "slow", "grey", "rate", "moody", "lying"}
	users := []string{"user", "user", "user", "unknown", "full"}
	type promise struct{ from, to string }
	var promised []promise
	for i := range 60 {
		from := fmt.Sprintf("s%d@good-home.example", i)
		var to []string
		for k := range 1 + rnd.IntN(4)*rnd.IntN(8) {
			a := fmt.Sprintf("%s%d@%s-%d.example", users[rnd.IntN(len(users))], k, kinds[rnd.IntN(len(kinds))], rnd.IntN(3))
			to = append(to, a)
			promised = append(promised, promise{from, a})
		}
		send(t, q, from, letter, to...)
		time.Sleep(time.Duration(rnd.IntN(1800)) * time.Second)
		if rnd.IntN(40) == 0 {
			require.NoError(t, q.Shutdown(t.Context()))
			q = open()
		}
	}
	time.Sleep(6 * 24 * time.Hour)
	require.Empty(t, states(t, q), "every message has ended")
	require.NoError(t, q.Shutdown(t.Context()))

	seen := map[promise]int{}
	for _, p := range promised {
		seen[p]++
	}
	for p, times := range seen {
		key := p.from + ">" + p.to
		got, back := n.got[key], n.returns[key]
		switch {
		case strings.HasPrefix(p.to, "unknown"), strings.HasPrefix(p.to, "full"), strings.Contains(p.to, "@dead"):
			require.Zero(t, got, key)
			require.Equal(t, times, back, "%s: returned once", key)
		case strings.Contains(p.to, "@lying"):
			require.GreaterOrEqual(t, got, times, key)
			require.LessOrEqual(t, got, times+10, key)
			require.Zero(t, back, key)
		default:
			require.Equal(t, times, got+back, "%s: delivered %d, returned %d", key, got, back)
		}
	}
}
