package script

import (
	"fmt"
	"strconv"
	"strings"
)

// given reads what there is when a case begins.
func (c *Case) given(rest string) error {
	for what := range strings.SplitSeq(rest, ",") {
		what = strings.TrimSpace(what)
		count, is := strings.CutSuffix(what, " messages")
		switch {
		case what == "selected":
			c.Selected = true
		case what == "greeting":
			c.Greeting = true
		case what == "login":
			c.Login = true
		case is:
			n, err := strconv.Atoi(count)
			if err != nil || n < 0 || n > 1000 {
				return fmt.Errorf("0 to 1000 messages")
			}
			c.Messages = n
		default:
			return fmt.Errorf("unknown: given %q", what)
		}
	}
	return nil
}

// speak says what a connection speaks.
func (c *Case) speak(rest string) error {
	number, protocol, _ := strings.Cut(rest, " ")
	if len(number) != 1 || number[0] < '1' || number[0] > '9' {
		return fmt.Errorf("connections are 1 to 9")
	}
	var p Protocol
	if err := known(&p, Protocol(protocol), protocols); err != nil {
		return err
	}
	c.speaks[int(number[0]-'1')] = p
	return nil
}

func (c *Case) skip(name, why string) {
	if c.skips == nil {
		c.skips = map[string]string{}
	}
	c.skips[name] = why
}
