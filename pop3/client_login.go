package pop3

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
)

// What Login returns when there is no way in that both sides know, or none that keeps the password secret.
var (
	ErrNoMechanism = errors.New("pop3: no way to log in that both sides know")
	ErrNotSecured  = errors.New("pop3: the password would be sent in the clear")
)

// Login logs in: the best of AUTH's mechanisms, else APOP, else USER and PASS. What shows the password is used only
// behind TLS, to a server on this machine, or with AllowPlaintext. Mechanisms may also name "APOP" and "USER".
func (c *Client) Login(ctx context.Context, cred *mail.Credentials) error {
	stop, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer stop()
	return c.login(cred)
}

func (c *Client) login(cred *mail.Credentials) error {
	cfg := &sasl.ClientConfig{
		Credentials: cred, Offered: c.caps["SASL"], TLS: c.tls, Secured: c.tls != nil || c.local, Host: c.opts.ServerName,
	}
	x, err := cfg.Start()
	if err == nil {
		return c.auth(x)
	}
	if !errors.Is(err, sasl.ErrNoMechanism) && !errors.Is(err, sasl.ErrNotSecured) {
		return err
	}
	may := func(name string) bool {
		return len(cred.Mechanisms) == 0 || slices.ContainsFunc(cred.Mechanisms, func(m string) bool { return strings.EqualFold(m, name) })
	}
	usable := cred.Username != "" && cred.Password != "" && cred.Authorize == "" && !strings.ContainsAny(cred.Username+cred.Password, "\r\n\x00")
	switch {
	case usable && c.apop != "" && may("APOP"):
		return c.sendAPOP(cred)
	case usable && may("USER") && (cfg.Secured || cred.AllowPlaintext):
		return c.user(cred)
	case usable && may("USER") || errors.Is(err, sasl.ErrNotSecured):
		return ErrNotSecured
	}
	return ErrNoMechanism
}

// sendAPOP is APOP (RFC 1939 section 7, RFC 6856 section 2.2).
func (c *Client) sendAPOP(cred *mail.Credentials) error {
	username, err := sasl.Prep(cred.Username)
	if err != nil {
		return err
	}
	password, err := sasl.Prep(cred.Password)
	if err != nil {
		return err
	}
	sum := md5.Sum([]byte(c.apop + password))
	c.send("APOP "+username+" "+hex.EncodeToString(sum[:]), "APOP "+username+" ***")
	_, err = c.status("APOP")
	return err
}

// user is USER and PASS. They are not sent at once: a server may refuse USER to keep the password off the network.
func (c *Client) user(cred *mail.Credentials) error {
	if _, err := c.command("USER", "USER "+cred.Username); err != nil {
		return err
	}
	c.send("PASS "+cred.Password, "PASS ***")
	_, err := c.status("PASS")
	return err
}

// auth is AUTH (RFC 5034 section 4).
func (c *Client) auth(x *sasl.ClientExchange) error {
	line, shown := "AUTH "+x.Mechanism(), "AUTH "+x.Mechanism()
	if x.HasInitial() {
		// "If specifying an initial response would cause the AUTH command to exceed this length, the client MUST NOT use
		// the initial-response parameter": 255 octets with CRLF.
		y := *x
		if ir, _ := y.Initial(); len(line)+1+len(ir)+2 <= 255 {
			x.Initial()
			line, shown = line+" "+ir, shown+" ***"
		}
	}
	c.send(line, shown)
	for {
		answer, err := c.readLine()
		if err != nil {
			return err
		}
		challenge, ok := strings.CutPrefix(answer, "+ ")
		if !ok && answer == "+" {
			challenge, ok = "", true
		}
		if !ok {
			return c.authDone(x, answer)
		}
		if c.opts.Trace != nil {
			c.opts.Trace(false, "+ ***")
		}
		response, err := x.Answer(challenge)
		if err != nil {
			// RFC 5034 section 4: the client cancels, and the server answers -ERR.
			c.send("*", "*")
			if _, serr := c.status("AUTH"); serr == nil {
				return c.fail(err)
			}
			return errors.Join(err, mail.ErrAuthFailed)
		}
		c.send(response, "***")
	}
}

// authDone is the server's verdict, and the client's on the server.
func (c *Client) authDone(x *sasl.ClientExchange, answer string) error {
	if c.opts.Trace != nil {
		c.opts.Trace(false, answer)
	}
	ok, code, text, valid := parseStatus(answer)
	switch {
	case !valid:
		return c.fail(errors.New("pop3: AUTH: server says something that is no answer"))
	case !ok:
		return &Error{Command: "AUTH", Code: code, Text: printable(strings.ToValidUTF8(text, "?"))}
	}
	if err := x.Finish(); err != nil {
		return c.fail(err)
	}
	return nil
}
