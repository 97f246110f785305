package dovecotauth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail"
)

// Client is a [mail.Authenticator] that has passwords and tokens checked by a server: Dovecot's auth-client socket, or one of a [Server]. Whatever
// mechanism a user's program has used, the server is asked by PLAIN, OAUTHBEARER or XOAUTH2: only so a [mail.AuthGuard] here sees whose attempt it is.
//
// It keeps one connection. Its fields must not change once it is used.
type Client struct {
	Path string                                      // of the socket
	Dial func(ctx context.Context) (net.Conn, error) // instead of Path

	pool
}

// pool has one connection, made when it is needed.
type pool struct {
	mu     sync.Mutex
	link   *link
	closed bool
	failed error // of the last attempt to connect
	at     time.Time
}

// pause is how long nobody tries to connect again after it has failed: those who wait for it don't all have to.
const pause = time.Second

// get returns the connection, and whether it was there before.
func (p *pool) get(ctx context.Context, open func(ctx context.Context) (*link, error)) (l *link, old bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false, net.ErrClosed
	}
	if p.link != nil {
		select {
		case <-p.link.gone:
		default:
			return p.link, true, nil
		}
	}
	if p.failed != nil && time.Since(p.at) < pause {
		return nil, false, p.failed
	}
	l, err = open(ctx)
	if p.failed, p.at = err, time.Now(); ctx.Err() != nil {
		p.failed = nil // somebody's patience has ended, that's all
	}
	if err == nil {
		p.link = l
		go l.read()
	}
	return l, false, err
}

// Close ends the connection. What is asked afterwards fails.
func (p *pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.link != nil {
		p.link.fail(net.ErrClosed)
		<-p.link.done
	}
	return nil
}

func (c *Client) open(ctx context.Context) (*link, error) {
	d := &dialer{c.Path, c.Dial}
	return d.open(ctx, []string{line("VERSION", "1", "1"), line("CPID", strconv.Itoa(os.Getpid()))}, func(words []string) bool { return words[0] == "DONE" })
}

// Mechanisms returns the SASL mechanisms that the server has.
func (c *Client) Mechanisms(ctx context.Context) ([]string, error) {
	l, _, err := c.get(ctx, c.open)
	if err != nil {
		return nil, err
	}
	return slices.Clone(l.mechanisms), nil
}

// Authenticate implements [mail.Authenticator].
func (c *Client) Authenticate(ctx context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
	if strings.ContainsRune(a.Authorize+a.Username+a.Password, 0) {
		return nil, mail.ErrAuthFailed
	}
	return c.ask(ctx, a, "PLAIN", a.Authorize+"\x00"+a.Username+"\x00"+a.Password)
}

// AuthenticateToken implements [mail.TokenAuthenticator].
func (c *Client) AuthenticateToken(ctx context.Context, a *mail.AuthRequest, token string) (*mail.Identity, error) {
	user := a.Authorize
	l, _, err := c.get(ctx, c.open)
	switch {
	case err != nil:
		return nil, err
	case strings.ContainsAny(user+token, "\x00\x01"):
		return nil, mail.ErrAuthFailed
	case slices.Contains(l.mechanisms, "OAUTHBEARER"):
		gs2 := "n,"
		if user != "" {
			gs2 += "a=" + strings.NewReplacer("=", "=3D", ",", "=2C").Replace(user)
		}
		return c.ask(ctx, a, "OAUTHBEARER", gs2+",\x01auth=Bearer "+token+"\x01\x01")
	case slices.Contains(l.mechanisms, "XOAUTH2") && user != "":
		return c.ask(ctx, a, "XOAUTH2", "user="+user+"\x01auth=Bearer "+token+"\x01\x01")
	}
	return nil, mail.ErrAuthFailed // it knows no tokens
}

// ask sends a login. Where a connection that was there before breaks it is tried once more: the server may have been started anew.
func (c *Client) ask(ctx context.Context, a *mail.AuthRequest, mechanism, response string) (*mail.Identity, error) {
	for {
		l, old, err := c.get(ctx, c.open)
		if err != nil {
			return nil, err
		}
		id, err := c.try(ctx, l, a, mechanism, response)
		if err == nil || !old || errors.Is(err, mail.ErrAuthFailed) || ctx.Err() != nil {
			return id, err
		}
		select {
		case <-l.gone:
		default:
			return nil, err
		}
	}
}

func (c *Client) try(ctx context.Context, l *link, a *mail.AuthRequest, mechanism, response string) (*mail.Identity, error) {
	id, answers, err := l.begin("AUTH", append([]string{mechanism}, describe(a, response)...)...)
	if answers == nil {
		return nil, err
	}
	defer l.forget(id)
	if err != nil {
		l.fail(err)
		return nil, err
	}
	for range 3 {
		words, err := l.wait(ctx, answers)
		if err != nil {
			if ctx.Err() != nil {
				l.cancel(id)
			}
			return nil, err
		}
		switch f := fields(words[2:]); words[0] {
		case "OK":
			if f["user"] == "" {
				return nil, errReply(strings.Join(words, " "))
			}
			return &mail.Identity{Username: f["user"], Account: f["user"]}, nil
		case "FAIL":
			return nil, failure(f)
		case "CONT": // why a token isn't taken (RFC 7628 section 3.2.3), or SCRAM's last word; PLAIN has none
			l.mu.Lock()
			err := l.write(line("CONT", words[1], "AQ=="))
			l.mu.Unlock()
			if err != nil {
				return nil, err
			}
		default:
			return nil, errReply(words[0])
		}
	}
	return nil, errReply("CONT, again and again")
}

// cancel tells the server that nobody waits any more (v1.2; an older one doesn't know it and doesn't mind).
func (l *link) cancel(id uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.write(line("CANCEL", strconv.FormatUint(uint64(id), 10)))
}

// describe is what the server is told of a login. resp comes last.
func describe(a *mail.AuthRequest, response string) []string {
	service := a.Service
	if service == "" || service == "submission" {
		service = "smtp"
	}
	words := []string{"service=" + escape(service), "nologin"}
	if tcp, ok := a.Remote.(*net.TCPAddr); ok {
		words = append(words, "rip="+tcp.AddrPort().Addr().Unmap().WithZone("").String(), "rport="+strconv.Itoa(tcp.Port))
	}
	if a.Secured {
		words = append(words, "secured")
	}
	return append(words, "resp="+base64.StdEncoding.EncodeToString([]byte(response)))
}

// failure reads the parameters of FAIL. Codes are those of version 2.3 and, without "code=", of those before.
func failure(f map[string]string) error {
	_, temp := f["temp"]
	if temp || f["code"] == "temp_fail" || f["code"] == "temp" {
		return errors.New("dovecotauth: the server has a temporary failure")
	}
	for _, why := range []string{"authz", "user_disabled", "pass_expired"} {
		if _, ok := f[why]; ok || strings.TrimSuffix(f["code"], "_fail") == why {
			return fmt.Errorf("%w: %s", mail.ErrAuthFailed, why)
		}
	}
	return mail.ErrAuthFailed
}
