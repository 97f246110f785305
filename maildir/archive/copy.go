package archive

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Options say how to copy. The zero value copies everything.
type Options struct {
	// Token, from an earlier Progress, continues where that was.
	Token string
	// Rename, when set, gives the mailbox a message goes to; ok false leaves the mailbox out.
	Rename func(mailbox string) (to string, ok bool)
	// Progress is called after each batch, when it is durable, and at the end.
	Progress func(Progress)
	// Skip is asked when one message can't be read or taken; nil leaves it out and goes on. When Skip is nil, the first such error
	// ends the copy.
	Skip func(*MessageError) error
	// Batch is after how many messages a batch ends, if it isn't ended by 16 MiB before. 256 when it is 0.
	Batch int
}

// Progress is how far a copy is.
type Progress struct {
	Mailbox  string // where it is
	Messages int    // copied so far, by this call
	Bytes    int64
	Skipped  int
	Token    string
}

const batchBytes = 16 << 20

type token struct {
	Pos  string `json:"p"`
	Mark string `json:"m,omitempty"`
}

// Copy brings messages from src to dst until there are no more, the context ends or something fails. Its result is
// that of the last Progress: with an error too, its token continues. A mailbox of the source that has no messages is made as well.
func Copy(ctx context.Context, dst Target, src Source, opts *Options) (Progress, error) {
	c := copier{dst: dst, src: src, made: map[string]string{}}
	if opts != nil {
		c.Options = *opts
	}
	if c.Batch <= 0 {
		c.Batch = 256
	}
	err := c.run(ctx)
	return c.done, err
}

type copier struct {
	Options
	dst  Target
	src  Source
	made map[string]string // by their names in the source; "" for those left out

	done     Progress // durable
	now      Progress
	inBatch  int
	sizeThen int64
}

func (c *copier) run(ctx context.Context) error {
	if c.Token != "" {
		var t token
		raw, err := base64.RawURLEncoding.DecodeString(c.Token)
		if err != nil || json.Unmarshal(raw, &t) != nil {
			return ErrToken
		}
		if err := c.dst.Resume(ctx, t.Mark); err != nil {
			return err
		}
		if err := c.src.Seek(ctx, t.Pos); err != nil {
			return err
		}
		c.done.Token = c.Token
		c.now.Token = c.Token
	}
	for {
		m, err := c.src.Next(ctx)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = c.one(ctx, m)
		}
		if err := c.failed(err); err != nil {
			return err
		}
		if c.inBatch >= c.Batch || c.now.Bytes-c.sizeThen >= batchBytes {
			if err := c.flush(ctx); err != nil {
				return err
			}
		}
	}
	names, err := c.src.Mailboxes(ctx)
	if err != nil {
		return err
	}
	for _, n := range names {
		_, err := c.target(ctx, n)
		if err := c.failed(err); err != nil {
			return err
		}
	}
	return c.flush(ctx)
}

// failed decides what becomes of an error.
func (c *copier) failed(err error) error {
	var one *MessageError
	if err == nil || !errors.As(err, &one) || c.Skip == nil {
		return err
	}
	c.now.Skipped++
	return c.Skip(one)
}

// target returns the name of a mailbox in the target, where it is made: "" for one that is left out.
func (c *copier) target(ctx context.Context, name string) (string, error) {
	if to, ok := c.made[name]; ok {
		return to, nil
	}
	to, ok := norm.NFC.String(name), true
	if c.Rename != nil {
		if to, ok = c.Rename(to); !ok {
			c.made[name] = ""
			return "", nil
		}
	}
	if err := c.dst.Mailbox(ctx, to); err != nil {
		return "", err
	}
	c.made[name] = to
	return to, nil
}

func (c *copier) one(ctx context.Context, m *Message) error {
	to, err := c.target(ctx, m.Mailbox)
	if err != nil || to == "" {
		return err
	}
	counted := &counter{r: m.Body}
	put := *m
	put.Mailbox, put.Body = to, counted
	if err := c.dst.Put(ctx, &put); err != nil {
		return err
	}
	c.inBatch++
	c.now.Mailbox = to
	c.now.Messages++
	c.now.Bytes += counted.n
	return nil
}

func (c *copier) flush(ctx context.Context) error {
	mark, err := c.dst.Flush(ctx)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(token{c.src.Pos(), mark})
	if err != nil {
		return err
	}
	c.now.Token = base64.RawURLEncoding.EncodeToString(raw)
	c.done, c.inBatch, c.sizeThen = c.now, 0, c.now.Bytes
	if c.Progress != nil {
		c.Progress(c.done)
	}
	return nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// checkName refuses names of mailboxes that can't be a path below a folder.
func checkName(name string) error {
	for level := range strings.SplitSeq(name, "/") {
		if level == "" || level == "." || level == ".." || len(level) > 240 || strings.ContainsFunc(level, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("archive: mailbox name %q can't be that of a file", name)
		}
	}
	return nil
}
