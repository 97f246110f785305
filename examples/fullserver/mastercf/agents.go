package mastercf

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/buuta/mail/queue/pipe"
)

// flags are the letters of a pipe's flags= and what each asks for.
var flags = map[rune]func(*pipe.Command){
	'B': func(c *pipe.Command) { c.Blank = true },
	'D': func(c *pipe.Command) { c.DeliveredTo = true },
	'F': func(c *pipe.Command) { c.From = true },
	'O': func(c *pipe.Command) { c.OriginalTo = true },
	'R': func(c *pipe.Command) { c.ReturnPath = true },
	'X': func(*pipe.Command) {}, // about the report
	'h': func(c *pipe.Command) { c.LowerDomain = true },
	'q': func(c *pipe.Command) { c.Quote = true },
	'u': func(c *pipe.Command) { c.LowerUser = true },
	'.': func(c *pipe.Command) { c.Dots = true },
	'>': func(c *pipe.Command) { c.QuoteFrom = true },
}

// Pipe is the command that a service with program pipe delivers to, and whether that is the end of the message's way (flag X).
func (s *Service) Pipe() (p *pipe.Command, final bool, err error) {
	p = &pipe.Command{Args: s.Argv()}
	for _, arg := range s.attributes() {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			name = arg
		}
		switch name {
		case "flags":
			for _, f := range value {
				set := flags[f]
				if set == nil {
					return nil, false, fmt.Errorf("flags=%s: there is no flag %q", value, f)
				}
				set(p)
			}
			final = strings.ContainsRune(value, 'X')
		case "user":
			p.User = value
		case "directory":
			p.Dir = value
		case "null_sender":
			p.NullSender, p.EmptySender = value, value == ""
		case "eol":
			switch value {
			case `\r\n`:
				p.CRLF = true
			case `\n`:
			default:
				return nil, false, fmt.Errorf(`eol=%s: write \r\n, or \n, which is the default`, value)
			}
		case "size":
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil || n < 0 {
				return nil, false, fmt.Errorf("size=%s is not a number of octets", value)
			}
			p.MaxSize = n
		case "chroot":
			return nil, false, errors.New("chroot= can't be done here: confine the command with a unit of its own")
		default:
			return nil, false, fmt.Errorf("%q is no attribute of a pipe: write flags=, user=, directory=, eol=, null_sender=, size= and last argv=", name)
		}
	}
	if err := harmless(p.User); err != nil {
		return nil, false, err
	}
	return p, final, p.Check()
}

// Spawn is the command that a service with program spawn runs for each connection, and as whom.
func (s *Service) Spawn() (argv []string, user string, err error) {
	for _, arg := range s.attributes() {
		value, ok := strings.CutPrefix(arg, "user=")
		if !ok {
			return nil, "", fmt.Errorf("%q is no attribute of spawn: write user= and last argv=", arg)
		}
		user = value
	}
	if argv = s.Argv(); len(argv) == 0 {
		return nil, "", errors.New("there is no argv=COMMAND")
	}
	return argv, user, harmless(user)
}

// attributes are what stands before a command.
func (s *Service) attributes() []string {
	for i, a := range s.Args {
		if strings.HasPrefix(a, "argv=") {
			return s.Args[:i]
		}
	}
	return s.Args
}

// harmless wants a user= who is not root.
func harmless(user string) error {
	if name, _, _ := strings.Cut(user, ":"); name == "" || name == "root" {
		return errors.New("needs user=NAME, and not root: the command sees what strangers send")
	}
	return nil
}

// Inside reports whether a service is a part of the server itself here, which has main.cf's parameters and none of its own.
func (s *Service) Inside() bool {
	switch s.Command {
	case "pickup", "cleanup", "qmgr", "tlsmgr", "trivial-rewrite", "bounce", "verify", "flush", "proxymap", "showq", "anvil", "scache", "postlogd", "tlsproxy", "dnsblog":
		return true
	}
	return false
}

// Agent reports whether a service is a way that mail leaves the queue by.
func (s *Service) Agent() bool {
	if s.Type != "unix" {
		return false
	}
	switch s.Command {
	case "smtp", "lmtp", "local", "virtual", "pipe", "error", "discard":
		return true
	}
	return false
}
