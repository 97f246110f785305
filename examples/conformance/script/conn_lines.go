package script

import (
	"fmt"
	"slices"
	"strings"
)

// say sends a line and reads the answer, which must begin as it is said.
func (c *conn) say(line, want string) (*response, error) {
	if err := c.write(line + "\r\n"); err != nil {
		return nil, err
	}
	r, err := c.response()
	if err == nil && !strings.HasPrefix(r.text, want) {
		err = fmt.Errorf("%s is answered %q", line, r.text)
	}
	return r, err
}

// body reads the lines of a POP3 answer up to the one with a dot alone, as they come.
func (c *conn) body() ([]string, error) {
	var out []string
	size := 0
	for {
		r, err := c.response()
		if err != nil {
			return out, err
		}
		if r.text == "." {
			return out, nil
		}
		if size += len(r.text); size > maxResponse {
			return out, fmt.Errorf("an answer of more than %d octets", maxResponse)
		}
		out = append(out, r.text)
	}
}

// openSMTP reads the greeting, says hello, and logs in if that is wanted.
func (c *conn) openSMTP(t *Target, login bool) error {
	r, err := c.response()
	if err != nil {
		return err
	}
	if r.code != "220" {
		return fmt.Errorf("greeting: %s", r.text)
	}
	if err := c.hello(t); err != nil {
		return err
	}
	c.first = c.caps
	if !login {
		return nil
	}
	if !slices.Contains(c.caps, "AUTH") && slices.Contains(c.caps, "STARTTLS") && t.TLS != nil {
		if _, err := c.say("STARTTLS", "220"); err != nil {
			return err
		}
		if err := c.startTLS(t.TLS); err != nil {
			return err
		}
		if err := c.hello(t); err != nil {
			return err
		}
	}
	if err := c.authenticate(t, "", "PLAIN", "LOGIN"); err != nil {
		return err
	}
	if r, err = c.response(); err == nil && r.code != "235" {
		err = fmt.Errorf("login: %s", r.text)
	}
	return err
}

func (c *conn) hello(t *Target) error {
	verb := "EHLO "
	if c.protocol == LMTP {
		verb = "LHLO "
	}
	r, err := c.say(verb+t.hello(), "250")
	if err == nil {
		c.caps = keywords(r.lines[1:])
	}
	return err
}

// keywords makes names of lines that announce: "SIZE 100" is SIZE and SIZE=100, "AUTH PLAIN LOGIN" is AUTH, AUTH=PLAIN and
// AUTH=LOGIN.
func keywords(lines []string) []string {
	var out []string
	for _, line := range lines {
		words := strings.Fields(strings.ToUpper(line))
		for i, word := range words {
			if i > 0 {
				word = words[0] + "=" + word
			}
			out = append(out, word)
		}
	}
	return out
}

// openPOP3 reads the greeting, asks what is offered, and logs in if that is wanted. A greeting with a timestamp is the
// capability APOP.
func (c *conn) openPOP3(t *Target, login bool) error {
	r, err := c.response()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(r.text, "+OK") {
		return fmt.Errorf("greeting: %s", r.text)
	}
	apop := strings.Contains(r.text, "<") && strings.Contains(r.text, "@")
	if err := c.capa(apop); err != nil {
		return err
	}
	c.first = c.caps
	if !login {
		return nil
	}
	if slices.Contains(c.caps, "STLS") && !slices.Contains(c.caps, "USER") && t.TLS != nil {
		if _, err := c.say("STLS", "+OK"); err != nil {
			return err
		}
		if err := c.startTLS(t.TLS); err != nil {
			return err
		}
	}
	if _, err := c.say("USER "+t.User, "+OK"); err != nil {
		return err
	}
	if _, err := c.say("PASS "+t.Password, "+OK"); err != nil {
		return err
	}
	return c.capa(apop)
}

func (c *conn) capa(apop bool) error {
	if err := c.write("CAPA\r\n"); err != nil {
		return err
	}
	r, err := c.response()
	if err != nil {
		return err
	}
	c.caps = nil
	if strings.HasPrefix(r.text, "+OK") {
		lines, err := c.body()
		if err != nil {
			return err
		}
		c.caps = append(keywords(lines), "CAPA")
	}
	if apop {
		c.caps = append(c.caps, "APOP")
	}
	return nil
}

// openSieve reads what a ManageSieve server announces, and logs in if that is wanted.
func (c *conn) openSieve(t *Target, login bool) error {
	if err := c.sieveCapabilities(); err != nil {
		return err
	}
	c.first = c.caps
	if !login {
		return nil
	}
	if slices.Contains(c.caps, "STARTTLS") && !slices.Contains(c.caps, "SASL=PLAIN") && t.TLS != nil {
		if _, err := c.say("STARTTLS", "OK"); err != nil {
			return err
		}
		if err := c.startTLS(t.TLS); err != nil {
			return err
		}
		if err := c.sieveCapabilities(); err != nil {
			return err
		}
	}
	_, err := c.say(`AUTHENTICATE "PLAIN" "`+credentials(t)["plain"]+`"`, "OK")
	return err
}

// sieveCapabilities reads lines of strings up to OK (RFC 5804 section 1.7).
func (c *conn) sieveCapabilities() error {
	c.caps = nil
	for {
		r, err := c.response()
		if err != nil {
			return err
		}
		if !r.nodes[0].quoted {
			if !strings.EqualFold(r.nodes[0].text, "OK") {
				return fmt.Errorf("greeting: %s", r.text)
			}
			return nil
		}
		var words []string
		for _, n := range r.nodes {
			words = append(words, n.text)
		}
		c.caps = append(c.caps, keywords([]string{strings.Join(words, " ")})...)
	}
}
