package dovecotauth

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
)

// request is one login of a client's.
type request struct {
	c         *conn
	id        uint32
	cancel    context.CancelFunc
	responses chan string // of the client, in base64
}

// auth begins a login: "AUTH" TAB id TAB mechanism TAB service=… and parameters, the last being resp=.
func (c *conn) auth(words []string) error {
	if len(words) < 2 {
		return errors.New("an AUTH without a mechanism")
	}
	id, err := requestID(words[0])
	if err != nil {
		return err
	}
	params, initial := words[2:], ""
	for i, p := range params {
		if resp, ok := strings.CutPrefix(p, "resp="); ok { // "Everything after it is ignored"
			params, initial = params[:i], resp // an empty one is "=", nothing at all is none, which is how Exim says that
			break
		}
	}
	f := fields(params)
	if f["service"] == "" {
		return errors.New("an AUTH without a service")
	}
	_, secured := f["secured"]
	cfg := c.srv.config(secured)
	cfg.Service, cfg.Remote = f["service"], address(f["rip"], f["rport"])
	ctx, cancel := context.WithCancel(c.ctx)
	r := &request{c: c, id: id, cancel: cancel, responses: make(chan string, 1)}
	ex, err := cfg.Start(ctx, words[1])
	if err != nil {
		cancel()
		c.send(line("FAIL", words[0], "reason="+escape(err.Error())))
		return nil
	}
	ok, err := c.enter(r)
	if err != nil || !ok {
		cancel()
		if err == nil {
			c.send(line("FAIL", words[0], "temp", "code=temp_fail"))
		}
		return err
	}
	c.requests.Go(func() {
		defer cancel()
		err := ex.Run(initial, func(challenge string) ([]byte, error) { return r.ask(ctx, challenge) })
		c.leave(r)
		r.end(ex, cfg, err)
	})
	return nil
}

// ask sends a challenge and waits for the answer.
func (r *request) ask(ctx context.Context, challenge string) ([]byte, error) {
	r.c.send(line("CONT", strconv.FormatUint(uint64(r.id), 10), challenge))
	patience := time.NewTimer(limit(r.c.srv.Limits.Pending, 150*time.Second))
	defer patience.Stop()
	select {
	case text := <-r.responses:
		return []byte(text), nil
	case <-ctx.Done():
		return nil, sasl.ErrCancelled
	case <-patience.C:
		return nil, errors.New("the client has not gone on")
	}
}

// end tells the client how the login ended.
func (r *request) end(ex *sasl.Exchange, cfg *sasl.Config, err error) {
	id, log := strconv.FormatUint(uint64(r.id), 10), r.c.srv.Logger
	user := ex.Username()
	if err == nil {
		user = ex.Identity().AccountName()
		if log != nil {
			log.Info("login", "user", user, "mechanism", ex.Mechanism(), "service", cfg.Service, "remote", cfg.Remote)
		}
		r.c.send(line("OK", id, "user="+escape(user)))
		return
	}
	if log != nil {
		log.Info("login failed", "user", user, "mechanism", ex.Mechanism(), "service", cfg.Service, "remote", cfg.Remote, "error", err)
	}
	words := []string{"FAIL", id}
	if user != "" {
		words = append(words, "user="+escape(user))
	}
	switch {
	case errors.Is(err, mail.ErrAuthFailed), errors.Is(err, sasl.ErrCancelled):
	case errors.Is(err, sasl.ErrMalformed):
		words = append(words, "reason=Invalid data in the authentication")
	case errors.Is(err, mail.ErrTooManyAttempts): // the word is Dovecot's and Postfix shows it: the same for good and for wrong passwords
		words = append(words, "temp", "code=temp_fail", "reason=Too many failed logins, try again later")
	default:
		words = append(words, "temp", "code=temp_fail")
	}
	r.c.send(line(words...))
}

// address is where a user comes from; nil where the client doesn't say.
func address(ip, port string) net.Addr {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return nil
	}
	n, _ := strconv.ParseUint(port, 10, 16) // 0 where it isn't said
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, uint16(n)))
}
