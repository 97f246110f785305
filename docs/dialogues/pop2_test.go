package dialogues_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/conformance/script"
	"github.com/buuta/mail/internal/testnet"
	"github.com/buuta/mail/pop3/pop2"
	"github.com/buuta/mail/pop3/pop3test"
)

// playPOP2 plays the dialogues of POP2 against a server of ours whose user has messages, and returns which clauses it doesn't keep. dial
// may stand between them.
func playPOP2(t *testing.T, dial func(server net.Conn) net.Conn) (bad []string) {
	store := new(pop3test.Store)
	store.AddAccount("alice")
	for _, text := range []string{"one", "the other", "a third"} {
		store.Add("alice", "Subject: x\r\n\r\n"+text+"\r\n")
	}
	srv := &pop2.Server{Store: store, Hostname: "mail.example.test", Timeouts: pop2.Timeouts{Error: -1}, AllowPlaintext: func(*pop2.Conn) bool { return true },
		Authenticator: mail.AuthenticatorFunc(func(_ context.Context, r *mail.AuthRequest) (*mail.Identity, error) {
			if r.Username != "alice" || r.Password != "secret" {
				return nil, mail.ErrAuthFailed
			}
			return &mail.Identity{Username: "alice"}, nil
		})}
	defer srv.Close()
	target := &script.Target{Name: "buuta", User: "alice", Password: "secret", Security: true, Timeout: time.Minute, Dial: map[script.Protocol]script.Dialer{
		script.POP2: func(ctx context.Context) (net.Conn, error) {
			client, server := testnet.Pipe()
			go srv.ServeConn(context.WithoutCancel(ctx), dial(server))
			return client, nil
		}}}
	all, err := script.All()
	require.NoError(t, err)
	played := 0
	r := script.NewRunner(target)
	for _, s := range all {
		for _, c := range s.Cases {
			if c.Protocol != script.POP2 {
				continue
			}
			for _, result := range r.Run(t.Context(), c) {
				played++
				if result.Outcome != script.Pass {
					bad = append(bad, c.Title+": "+result.Why+"\n"+result.Transcript)
				}
			}
		}
	}
	require.GreaterOrEqual(t, played, 9)
	require.NoError(t, r.Close(t.Context()))
	require.Len(t, store.Messages("alice"), 3, "nothing was deleted")
	return bad
}

func TestPOP2(t *testing.T) {
	require.Empty(t, playPOP2(t, func(c net.Conn) net.Conn { return c }))
}

// A server that answers otherwise is found out.
func TestPOP2Mutations(t *testing.T) {
	for _, m := range [][2]string{{"+ POP2", "+ POP3"}, {"#0", "- "}, {"=0", "=1"}, {"+ OK", "- OK"}, {"#3", "+3"}} {
		require.NotEmpty(t, playPOP2(t, func(c net.Conn) net.Conn { return &liar{c, m[0], m[1]} }), m[0])
	}
}

// liar writes something else than the server says.
type liar struct {
	net.Conn
	from, to string
}

func (l *liar) Write(b []byte) (int, error) {
	if len(b) >= len(l.from) && string(b[:len(l.from)]) == l.from {
		if _, err := l.Conn.Write([]byte(l.to)); err != nil {
			return 0, err
		}
		n, err := l.Conn.Write(b[len(l.from):])
		return n + len(l.from), err
	}
	return l.Conn.Write(b)
}
