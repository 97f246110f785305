package script

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// errRefused says that the server has answered the command instead of asking for a literal.
var errRefused = errors.New("the literal was refused")

// continuation waits until the server asks for a literal. What else comes is there for the next reader of responses.
func (c *conn) continuation() error {
	var kept []*response
	defer func() { c.kept = append(kept, c.kept...) }()
	for {
		r, err := c.response()
		if err != nil {
			return err
		}
		if r.nodes[0].text == "+" {
			return nil
		}
		if kept = append(kept, r); r.final() {
			return errRefused
		}
	}
}

// do sends a command that must succeed, and returns the untagged responses.
func (c *conn) do(command string) ([]*response, error) { return c.doWith(command, "") }

func (c *conn) doWith(command, literal string) (out []*response, err error) {
	c.tags++
	tag := "x" + strconv.Itoa(c.tags)
	if err := c.write(tag + " " + command + "\r\n"); err != nil {
		return nil, err
	}
	if literal != "" {
		if err := c.continuation(); err != nil {
			return nil, fmt.Errorf("%s: %w", command, err)
		}
		if err := c.write(literal + "\r\n"); err != nil {
			return nil, err
		}
	}
	for {
		r, err := c.response()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", command, err)
		}
		if r.nodes[0].text == "*" && len(r.nodes) > 2 && strings.EqualFold(r.nodes[1].text, "CAPABILITY") {
			c.caps = nil
			for _, n := range r.nodes[2:] {
				c.caps = append(c.caps, n.text)
			}
		}
		if r.nodes[0].text != tag {
			out = append(out, r)
			continue
		}
		if len(r.nodes) < 2 || !strings.EqualFold(r.nodes[1].text, "OK") {
			return nil, fmt.Errorf("%s: %s", command, r.text)
		}
		return out, nil
	}
}

func (c *conn) appendMessage(box, m string) error {
	_, err := c.doWith(fmt.Sprintf("APPEND %s {%d}", box, len(m)), m)
	return err
}

// loginIMAP reads the greeting and logs in, unless the server says that this has been done.
func (c *conn) loginIMAP(t *Target) error {
	r, err := c.response()
	if err != nil {
		return err
	}
	if len(r.nodes) > 1 && strings.EqualFold(r.nodes[1].text, "PREAUTH") {
		_, err = c.do("CAPABILITY")
		return err
	}
	if len(r.nodes) < 2 || !strings.EqualFold(r.nodes[1].text, "OK") {
		return fmt.Errorf("greeting: %s", r.text)
	}
	if _, err := c.do("CAPABILITY"); err != nil {
		return err
	}
	c.first = c.caps
	if slices.Contains(c.caps, "LOGINDISABLED") && t.TLS != nil {
		if _, err := c.do("STARTTLS"); err != nil {
			return err
		}
		if err := c.startTLS(t.TLS); err != nil {
			return err
		}
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace
	if _, err := c.do(`LOGIN "` + quote(t.User) + `" "` + quote(t.Password) + `"`); err != nil {
		return err
	}
	_, err = c.do("CAPABILITY")
	return err
}
