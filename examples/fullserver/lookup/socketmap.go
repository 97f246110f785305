package lookup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// openSocketmap opens socketmap:inet:host:port:name and socketmap:unix:/path:name (socketmap_table(5)): the request is the netstring
// "name key", the answer the netstring "OK value", "NOTFOUND ", "TEMP reason", "TIMEOUT reason" or "PERM reason".
func openSocketmap(_ context.Context, name string, o *Options) (Table, error) {
	want := errors.New("expected socketmap:inet:host:port:name or socketmap:unix:/path:name")
	i := strings.LastIndexByte(name, ':')
	if i < 0 || i == len(name)-1 {
		return nil, want
	}
	where, which := name[:i], name[i+1:]
	network, address, ok := strings.Cut(where, ":")
	switch {
	case ok && network == "unix" && address != "":
		return &socketmap{newClient("unix", address, o), which}, nil
	case ok && network == "inet":
		host, port, err := net.SplitHostPort(address)
		if err != nil || port == "" {
			return nil, want
		}
		return &socketmap{newClient("tcp", net.JoinHostPort(or(host, "localhost"), port), o), which}, nil
	}
	return nil, want
}

type socketmap struct {
	*client
	name string
}

func (t *socketmap) Find(ctx context.Context, key string) (value string, found bool, err error) {
	request := t.name + " " + key
	request = strconv.Itoa(len(request)) + ":" + request + ","
	err = t.ask(ctx, []byte(request), func(r *bufio.Reader) error {
		reply, err := readNetstring(r, or(t.o.Limits.Reply, 100000))
		if err != nil {
			return err
		}
		value, found, err = socketmapReply(reply)
		return err
	})
	return value, found && err == nil, err
}

func socketmapReply(reply string) (value string, found bool, err error) {
	status, text, ok := strings.Cut(reply, " ")
	switch {
	case !ok:
	case status == "OK":
		return text, true, nil
	case status == "NOTFOUND":
		return "", false, nil
	case status == "TEMP", status == "TIMEOUT", status == "PERM":
		return "", false, fmt.Errorf("the server fails, %s: %s", status, source.Quote(text))
	}
	return "", false, fmt.Errorf("malformed reply %s", source.Quote(reply))
}

// readNetstring reads "length:octets,".
func readNetstring(r *bufio.Reader, most int) (string, error) {
	n, digits := 0, 0
	for {
		c, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		if c == ':' && digits > 0 {
			break
		}
		if c < '0' || c > '9' {
			return "", errors.New("the reply is no netstring")
		}
		n = 10*n + int(c-'0')
		if digits++; n > most || digits > 9 {
			return "", fmt.Errorf("a reply of more than %d octets: %w", most, ErrLimit)
		}
	}
	b := make([]byte, n+1)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", err
	}
	if b[n] != ',' {
		return "", errors.New("the reply is no netstring")
	}
	return string(b[:n]), nil
}
