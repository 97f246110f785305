package seal

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// Table answers an address with a key's place, "smime:/file" or "pgp:/file". It is asked for the whole address, then for "@domain".
type Table interface {
	Find(ctx context.Context, key string) (value string, found bool, err error)
}

// Gateway stands before a Deliverer to other servers.
type Gateway struct {
	Next    mail.Deliverer
	Sign    Table // by author; nil: nothing is signed
	Encrypt Table // by recipient; nil: nothing is encrypted
	Keys    *Keys
	DKIM    func(message io.Reader) (string, error) // fields that vouch for what has been changed; nil: none
	Size    int64                                   // the largest message that is signed or encrypted, held in memory; 0: 50 MiB
	Now     func() time.Time
	Log     func(text string)
}

// Begin implements mail.Deliverer.
func (g *Gateway) Begin(_ context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	return &transaction{g: g, from: from, opts: *opts}, nil
}

type recipient struct {
	address string
	opts    mail.RcptOptions
	key     string // what Encrypt has for it; "" for nothing
	reply   *mail.Reply
	result  mail.Result
}

type transaction struct {
	g     *Gateway
	from  string
	opts  mail.MailOptions
	rcpts []*recipient
	parts []part
	relay string
}

// part is a message to some of the recipients.
type part struct {
	tx    mail.Transaction
	rcpts []*recipient
}

// Relay names the peer in the log.
func (t *transaction) Relay() string { return t.relay }

func (g *Gateway) find(ctx context.Context, table Table, address string) (string, error) {
	if table == nil || address == "" {
		return "", nil
	}
	at := strings.LastIndexByte(address, '@')
	for _, key := range []string{strings.ToLower(address), strings.ToLower(address[max(at, 0):])} {
		if value, found, err := table.Find(ctx, key); err != nil || found {
			return value, err
		}
	}
	return "", nil
}

// Recipient implements mail.Transaction.
func (t *transaction) Recipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	key, err := t.g.find(ctx, t.g.Encrypt, to)
	if err != nil {
		return t.wait("the key for "+to, err)
	}
	t.rcpts = append(t.rcpts, &recipient{address: to, opts: *opts, key: key})
	return nil
}

// wait is the answer where a message can't go out as the site wants it.
func (t *transaction) wait(what string, err error) *mail.Reply {
	t.g.Log("warning: " + what + " can't be used: " + err.Error())
	return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 7, 5}, Text: what + " can't be used", Err: err}
}

// Body implements mail.Transaction.
func (t *transaction) Body(ctx context.Context, r io.Reader) error {
	author, head, err := t.author(r)
	if err != nil {
		return err
	}
	r = io.MultiReader(bytes.NewReader(head), r)
	signWith := ""
	// Only whom this server knows may have a message signed in a name, and only in his own.
	if t.opts.Origin == mail.OriginLocal && author != "" && strings.EqualFold(author, t.from) {
		if signWith, err = t.g.find(ctx, t.g.Sign, author); err != nil {
			return t.wait("the key to sign with for "+author, err)
		}
	}
	sealed := signWith != ""
	for _, rc := range t.rcpts {
		sealed = sealed || rc.key != ""
	}
	if !sealed {
		return t.send(ctx, t.rcpts, r)
	}
	limit := t.g.Size
	if limit <= 0 {
		limit = 50 << 20
	}
	msg, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return err
	}
	if int64(len(msg)) > limit {
		return mail.NewReply(552, mail.EnhancedCode{5, 3, 4}, "message is too large to be signed or encrypted")
	}
	return t.seal(ctx, msg, author, signWith)
}

// maxHead is how much of a message is looked at for its author.
const maxHead = 256 << 10

// author reads the header, and returns who wrote the message and what was read.
func (t *transaction) author(r io.Reader) (string, []byte, error) {
	if t.g.Sign == nil {
		return "", nil, nil
	}
	head := make([]byte, 0, 8192)
	for len(head) < maxHead && !bytes.Contains(head, []byte("\r\n\r\n")) {
		if len(head) == cap(head) {
			head = append(make([]byte, 0, 2*cap(head)), head...)
		}
		n, err := r.Read(head[len(head):cap(head)])
		head = head[:len(head)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", nil, err
		}
	}
	a, err := look(head)
	return a.author, head, err
}

// seal signs the message, and sends it to each recipient who has a key in a copy of his own: who else reads it is nobody's business.
func (t *transaction) seal(ctx context.Context, msg []byte, author, signWith string) error {
	a, err := look(msg)
	if err != nil {
		return err
	}
	changed := false
	if signWith != "" && !a.signed && !a.encrypted {
		k, err := t.g.Keys.Get(signWith, t.g.Now())
		if err == nil {
			msg, err = sign(k, msg)
		}
		if err != nil {
			return t.wait("the key to sign with for "+author, err)
		}
		changed = true
	}
	var plain []*recipient
	for _, rc := range t.rcpts {
		if rc.key == "" || a.encrypted {
			plain = append(plain, rc)
			continue
		}
		k, err := t.g.Keys.Get(rc.key, t.g.Now())
		var out []byte
		if err == nil {
			out, err = encrypt(k, msg)
		}
		if err != nil {
			rc.reply = t.wait("the key for "+rc.address, err)
			continue
		}
		if out, err = t.vouch(out); err != nil {
			return err
		}
		if err := t.send(ctx, []*recipient{rc}, bytes.NewReader(out)); err != nil {
			rc.reply = mail.ReplyOf(err)
		}
	}
	if len(plain) == 0 {
		return nil
	}
	if changed {
		if msg, err = t.vouch(msg); err != nil {
			return err
		}
	}
	return t.send(ctx, plain, bytes.NewReader(msg))
}

// vouch puts new DKIM signatures in the place of those that don't fit any more.
func (t *transaction) vouch(msg []byte) ([]byte, error) {
	msg = withoutSignatures(msg)
	if t.g.DKIM == nil {
		return msg, nil
	}
	fields, err := t.g.DKIM(bytes.NewReader(msg))
	if err != nil {
		t.g.Log("warning: not signed by DKIM: " + err.Error())
		return msg, nil
	}
	return append([]byte(fields), msg...), nil
}

// send begins a transaction behind this one.
func (t *transaction) send(ctx context.Context, rcpts []*recipient, body io.Reader) error {
	opts := t.opts
	opts.Size = 0 // it is another one
	tx, err := t.g.Next.Begin(ctx, t.from, &opts)
	if err != nil {
		return err
	}
	p := part{tx: tx}
	for _, rc := range rcpts {
		if err := tx.Recipient(ctx, rc.address, &rc.opts); err != nil {
			rc.reply = mail.ReplyOf(err)
			continue
		}
		p.rcpts = append(p.rcpts, rc)
	}
	if len(p.rcpts) == 0 {
		return tx.Abort()
	}
	if err := tx.Body(ctx, body); err != nil {
		_ = tx.Abort()
		return err
	}
	t.parts = append(t.parts, p)
	return nil
}

// Commit implements mail.Transaction.
func (t *transaction) Commit(ctx context.Context) ([]mail.Result, error) {
	for _, p := range t.parts {
		results, err := p.tx.Commit(ctx)
		if r, ok := p.tx.(interface{ Relay() string }); ok && t.relay == "" {
			t.relay = r.Relay()
		}
		for i, rc := range p.rcpts {
			switch {
			case err != nil:
				rc.reply = mail.ReplyOf(err)
			case i < len(results):
				rc.result, rc.reply = results[i], results[i].Reply
			}
		}
	}
	out := make([]mail.Result, len(t.rcpts))
	for i, rc := range t.rcpts {
		if rc.reply == nil {
			rc.reply = mail.NewReply(451, mail.EnhancedCode{4, 3, 0}, fmt.Sprintf("no answer for <%s>", rc.address))
		}
		if out[i] = rc.result; rc.result.Reply == nil {
			out[i].Detail = rc.reply.Text // nobody else's words
		}
		out[i].Recipient, out[i].Reply = rc.address, rc.reply
	}
	return out, nil
}

// Abort implements mail.Transaction.
func (t *transaction) Abort() error {
	for _, p := range t.parts {
		_ = p.tx.Abort()
	}
	t.parts = nil
	return nil
}
