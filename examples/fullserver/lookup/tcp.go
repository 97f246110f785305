package lookup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// openTCP opens tcp:host:port (tcp_table(5)): "get key" is answered by "200 value", "500 not found" or "400 try again later", all with
// %XX for what is not plain text.
func openTCP(_ context.Context, name string, o *Options) (Table, error) {
	host, port, err := net.SplitHostPort(name)
	if err != nil || port == "" {
		return nil, errors.New("expected tcp:host:port")
	}
	return &tcpTable{newClient("tcp", net.JoinHostPort(or(host, "localhost"), port), o)}, nil
}

type tcpTable struct{ *client }

func (t *tcpTable) Find(ctx context.Context, key string) (value string, found bool, err error) {
	err = t.ask(ctx, []byte("get "+percent(key)+"\n"), func(r *bufio.Reader) error {
		line, err := readLine(r, or(t.o.Limits.Reply, 4096))
		if err != nil {
			return err
		}
		value, found, err = tcpReply(line)
		return err
	})
	return value, found && err == nil, err
}

func tcpReply(line string) (value string, found bool, err error) {
	code, text, ok := strings.Cut(line, " ")
	text, good := unpercent(source.TrimLeft(text))
	switch {
	case !ok || !good:
		return "", false, fmt.Errorf("malformed reply %s", source.Quote(line))
	case code == "200":
		return text, true, nil
	case code == "500":
		return "", false, nil
	case code == "400":
		return "", false, fmt.Errorf("the server fails: %s", source.Quote(text))
	}
	return "", false, fmt.Errorf("unknown reply %s", source.Quote(line))
}

// readLine reads to the next LF.
func readLine(r *bufio.Reader, most int) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > most {
			return "", fmt.Errorf("a reply of more than %d octets: %w", most, ErrLimit)
		}
		if err == nil {
			return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
	}
}

// percent writes %XX for "%", white space and what is not printable.
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '%' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unpercent(s string) (string, bool) {
	if !strings.Contains(s, "%") {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		high, ok1 := hex(s[i+1])
		low, ok2 := hex(s[i+2])
		if !ok1 || !ok2 {
			return "", false
		}
		b.WriteByte(high<<4 | low)
		i += 2
	}
	return b.String(), true
}

func hex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}
