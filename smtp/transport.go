package smtp

import (
	"context"
	"io"
	"sync"

	"github.com/buuta/mail"
)

// Transport sends messages to servers over connections that it keeps and uses again. Its zero value is ready; it may be
// used by many goroutines at once, and its fields must not change after the first use. Package smtp/mx finds the servers
// for a domain; a Transport is for servers whose address is known, such as a submission server or an LMTP socket.
type Transport struct {
	Options ClientOptions // for every connection
	Pool    Pool          // its limits can be set before the first use

	// MaxConns bounds the connections to one address; who wants one more waits. 0: 20, as Postfix has for
	// default_destination_concurrency_limit.
	MaxConns int

	mu    sync.Mutex
	hosts map[string]chan struct{} // a token for each connection in use
}

// Send sends one message to the server at addr, as [Client.Send] does. A connection that the server has closed since its
// last message is replaced by a new one.
func (t *Transport) Send(ctx context.Context, addr string, env *mail.Envelope, message io.Reader) ([]mail.Result, error) {
	tx, refused, err := t.open(ctx, addr, env)
	if err != nil {
		return nil, err
	}
	defer tx.Abort()
	var accepted []mail.Result
	if tx.t.accepted > 0 {
		if err = tx.Body(ctx, message); err == nil {
			accepted, err = tx.Commit(ctx)
		}
	}
	if err != nil && tx.t.accepted == len(refused) {
		return nil, err
	}
	results := make([]mail.Result, 0, len(refused))
	for i, e := range refused {
		if e == nil && err == nil {
			results = append(results, accepted[0])
			accepted = accepted[1:]
			continue
		}
		if e == nil {
			e = err
		}
		r := tx.t.c.resultOf(e)
		r.Recipient = env.Recipients[i].Address
		results = append(results, r)
	}
	return results, nil
}

// To returns a Deliverer that sends to the server at addr.
func (t *Transport) To(addr string) mail.Deliverer { return &transportTo{t, addr} }

// CloseIdle closes the connections that are idle now.
func (t *Transport) CloseIdle() { t.Pool.CloseIdle() }

// Close closes the idle connections, and each other one when its message has been sent.
func (t *Transport) Close() error { return t.Pool.Close() }

type transportTo struct {
	t    *Transport
	addr string
}

func (d *transportTo) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	tx, _, err := d.t.begin(ctx, d.addr, func(c *Client) (mail.Transaction, []error, error) {
		tx, err := c.Begin(ctx, from, opts)
		return tx, nil, err
	})
	if err != nil {
		return nil, err
	}
	return tx, nil
}

func (t *Transport) open(ctx context.Context, addr string, env *mail.Envelope) (*transportTx, []error, error) {
	return t.begin(ctx, addr, func(c *Client) (mail.Transaction, []error, error) { return c.Open(ctx, env) })
}

// begin gets a connection and begins a transaction on it. Nothing of the message has been sent then, so a connection that
// turns out to be closed can be replaced.
func (t *Transport) begin(ctx context.Context, addr string, f func(c *Client) (mail.Transaction, []error, error)) (*transportTx, []error, error) {
	release, err := t.acquire(ctx, addr)
	if err != nil {
		return nil, nil, err
	}
	for {
		c := t.Pool.Get(addr)
		reused := c != nil
		if !reused {
			if c, err = Dial(ctx, addr, &t.Options); err != nil {
				release()
				return nil, nil, err
			}
		}
		tx, refused, err := f(c)
		if err == nil {
			return &transportTx{Transaction: tx, t: tx.(*clientTransaction), pool: &t.Pool, addr: addr, release: release}, refused, nil
		}
		stale := reused && c.closed && ctx.Err() == nil
		t.Pool.Put(addr, c)
		if !stale {
			release()
			return nil, nil, err
		}
	}
}

// acquire waits until there may be one more connection to addr.
func (t *Transport) acquire(ctx context.Context, addr string) (release func(), err error) {
	t.mu.Lock()
	tokens := t.hosts[addr]
	if tokens == nil {
		if t.hosts == nil {
			t.hosts = make(map[string]chan struct{})
		}
		tokens = make(chan struct{}, positive(t.MaxConns, 20))
		t.hosts[addr] = tokens
	}
	t.mu.Unlock()
	select {
	case tokens <- struct{}{}:
		return func() { <-tokens }, nil
	case <-ctx.Done():
		return nil, &Reply{Code: 451, Enhanced: EnhancedCode{4, 3, 2}, Text: "too many connections to " + safeText(addr), Err: context.Cause(ctx)}
	}
}

// transportTx gives its connection back when it ends.
type transportTx struct {
	mail.Transaction
	t       *clientTransaction
	pool    *Pool
	addr    string
	release func()
	once    sync.Once
}

func (x *transportTx) end() {
	x.once.Do(func() {
		x.Transaction.Abort()
		x.pool.Put(x.addr, x.t.c)
		x.release()
	})
}

func (x *transportTx) Body(ctx context.Context, r io.Reader) error {
	err := x.Transaction.Body(ctx, r)
	if err != nil {
		x.end()
	}
	return err
}

func (x *transportTx) Commit(ctx context.Context) ([]mail.Result, error) {
	defer x.end()
	return x.Transaction.Commit(ctx)
}

func (x *transportTx) Abort() error {
	x.end()
	return nil
}
