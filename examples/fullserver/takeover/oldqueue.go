package takeover

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/smtp"
)

// runner runs one of the pair's programs, or the system's, and returns what it printed.
type runner func(ctx context.Context, stdin io.Reader, name string, args ...string) ([]byte, error)

// execute is a runner. The error has what the program said.
func execute(ctx context.Context, stdin io.Reader, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var files [2]*os.File // not pipes: servers that a program starts keep them open
	for i := range files {
		f, err := os.CreateTemp("", "import-")
		if err != nil {
			return nil, err
		}
		_ = os.Remove(f.Name())
		defer f.Close()
		files[i] = f
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, files[0], files[1]
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "LC_ALL=C")
	failed := cmd.Run()
	var text [2][]byte
	for i, f := range files {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		var err error
		if text[i], err = io.ReadAll(f); err != nil {
			return nil, err
		}
	}
	if failed != nil {
		failed = fmt.Errorf("%s: %w: %s", name, failed, oneLine(strings.TrimSpace(string(text[1]))))
	}
	return text[0], failed
}

// waiting is a message in Postfix's queue.
type waiting struct {
	Queue      string `json:"queue_name"`
	ID         string `json:"queue_id"`
	Arrived    int64  `json:"arrival_time"` // seconds since 1970
	Size       int64  `json:"message_size"`
	Sender     string `json:"sender"`
	Recipients []struct {
		Address string `json:"address"`
		Reason  string `json:"delay_reason"`
	} `json:"recipients"`
}

// key tells a message from a later one with its id, which Postfix may give again.
func (w *waiting) key() string { return fmt.Sprint(w.ID, " ", w.Arrived, " ", w.Size) }

// oldQueue is Postfix's queue.
type oldQueue struct {
	dir   string // of main.cf
	spool string // queue_directory
	run   runner
}

// list is what is in the queue, whether Postfix runs or not.
func (q *oldQueue) list(ctx context.Context) ([]waiting, error) {
	out, err := q.run(ctx, nil, "postqueue", "-c", q.dir, "-j")
	if err != nil {
		return nil, err
	}
	return parseQueue(out)
}

// parseQueue reads what "postqueue -j" prints: a line of JSON a message.
func parseQueue(out []byte) (all []waiting, err error) {
	sc := bufio.NewScanner(bytes.NewReader(out))
	sc.Buffer(make([]byte, 0, 64<<10), 64<<20) // of a list with 100,000 recipients
	for sc.Scan() {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var w waiting
		if err := json.Unmarshal(sc.Bytes(), &w); err != nil {
			return nil, fmt.Errorf("postqueue -j: %w", err)
		}
		if !validID(w.ID) {
			return nil, fmt.Errorf("postqueue -j: %q is no queue id", w.ID)
		}
		all = append(all, w)
	}
	return all, sc.Err()
}

// validID keeps what isn't a queue id from becoming an option, or a path.
func validID(id string) bool {
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return id != "" && len(id) < 64
}

// open returns a message's envelope, of recipients that have not got it yet, and its content, with CRLF line ends.
func (q *oldQueue) open(ctx context.Context, id string) (*queue.Message, io.Reader, error) {
	head, err := q.run(ctx, nil, "postcat", "-c", q.dir, "-e", "-q", id)
	if err != nil {
		return nil, nil, err
	}
	m, err := parseEnvelope(head)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", id, err)
	}
	content, err := q.run(ctx, nil, "postcat", "-c", q.dir, "-b", "-h", "-q", id)
	if err != nil {
		return nil, nil, err
	}
	content = bytes.ReplaceAll(bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	m.Options.Size = int64(len(content))
	return m, bytes.NewReader(content), nil
}

// parseEnvelope reads what "postcat -e" prints. Attributes of a recipient stand before him.
func parseEnvelope(out []byte) (*queue.Message, error) {
	m := &queue.Message{}
	var of mail.RcptOptions
	sender, redirect := false, ""
	sc := bufio.NewScanner(bytes.NewReader(out))
	sc.Buffer(make([]byte, 0, 64<<10), 1<<20)
	for sc.Scan() {
		name, value, ok := strings.Cut(sc.Text(), ": ")
		if !ok {
			if name, ok = strings.CutSuffix(sc.Text(), ":"); !ok {
				continue
			}
		}
		switch name {
		case "message_size":
			if f := strings.Fields(value); len(f) > 5 { // size, offset, recipients, flags, length, SMTPUTF8
				n, _ := strconv.Atoi(f[5])
				m.Options.UTF8 = n&1 != 0
			}
		case "sender":
			m.From, sender = value, true
		case "recipient":
			if value == "" {
				return nil, errors.New("a recipient without an address")
			}
			m.Recipients = append(m.Recipients, queue.Recipient{Address: value, Options: of, State: queue.Pending})
			of = mail.RcptOptions{}
		case "done_recipient", "canceled_recipient":
			of = mail.RcptOptions{}
		case "redirect_to": // instead of all others
			redirect = value
		case "content_filter":
			transport, hop, _ := strings.Cut(value, ":")
			m.Order.Route = &queue.Route{Transport: transport, Nexthop: hop}
		case "named_attribute":
			name, value, _ := strings.Cut(value, "=")
			attribute(m, &of, name, value)
		}
	}
	switch {
	case sc.Err() != nil:
		return nil, sc.Err()
	case !sender:
		return nil, errors.New("postcat shows no sender")
	case redirect != "" && len(m.Recipients) > 0:
		m.Recipients = []queue.Recipient{{Address: redirect, State: queue.Pending}}
	}
	return m, nil
}

// attribute is a named attribute of a message, or of the recipient who comes next.
func attribute(m *queue.Message, of *mail.RcptOptions, name, value string) {
	switch name {
	case "envelope_id":
		m.Options.EnvelopeID = decoded(value)
	case "ret_flags":
		switch value {
		case "1":
			m.Options.Return = mail.ReturnFull
		case "2":
			m.Options.Return = mail.ReturnHeaders
		}
	case "encoding":
		if value == "8bit" {
			m.Options.Body = mail.Body8BitMIME
		}
	case "notify_flags":
		n, _ := strconv.ParseUint(value, 10, 8)
		of.Notify = mail.Notify(n & 15) // the bits have the same meaning
		if of.Notify&mail.NotifyNever != 0 {
			of.Notify = mail.NotifyNever
		}
	case "dsn_orig_rcpt":
		if kind, address, ok := strings.Cut(value, ";"); ok {
			of.OriginalRecipient = kind + ";" + decoded(address)
		}
	}
}

// decoded takes xtext apart; what isn't any stays as it is.
func decoded(s string) string {
	if out, err := smtp.DecodeXtext(s); err == nil {
		return out
	}
	return s
}
