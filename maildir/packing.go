package maildir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/internal/lineend"
	"github.com/buuta/mail/maildir/internal/unpack"
)

// packing is how a Store compresses messages, and reads those that are compressed: by the first octets of the file alone, as Dovecot does.
type packing struct {
	save   *compress.Codec  // nil: messages are saved as they are
	wrap   compress.Codec   // for those that would else be taken for compressed ones
	codecs []compress.Codec // the last of them are those that nobody reads here
}

func (s *Store) packing() packing {
	var p packing
	p.wrap = compress.Gzip(0)
	if s.Compress.NewWriter != nil {
		p.save, p.wrap = &s.Compress, s.Compress
	}
	own := s.Codecs
	if s.Compress.NewReader != nil {
		own = append([]compress.Codec{s.Compress}, own...)
	}
	p.codecs = compress.Readers(own...)
	return p
}

// find returns the codec of a file that begins so; nil when it isn't compressed.
func (p *packing) find(head []byte) *compress.Codec {
	return compress.Find(p.codecs, head[:min(len(head), compress.MaxMagic)])
}

// of returns the codec of a file.
func (p *packing) of(f io.ReaderAt) (*compress.Codec, error) {
	var head [compress.MaxMagic]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return p.find(head[:n]), nil
}

// saver writes a message's file, compressed where that is wanted.
type saver struct {
	p     *packing
	f     io.Writer
	z     io.WriteCloser
	codec *compress.Codec // that it is compressed by
	head  []byte          // what came before it could be told
	begun bool
}

func (p *packing) saver(f io.Writer) *saver { return &saver{p: p, f: f} }

func (s *saver) Write(b []byte) (int, error) {
	if !s.begun {
		if len(s.head)+len(b) < compress.MaxMagic {
			s.head = append(s.head, b...)
			return len(b), nil
		}
		if len(s.head) > 0 {
			s.head = append(s.head, b...)
			return len(b), s.begin(s.head)
		}
		return len(b), s.begin(b)
	}
	if s.z != nil {
		return s.z.Write(b)
	}
	return s.f.Write(b)
}

// begin writes the first octets. A message that looks compressed is wrapped, so that what comes out is what went in; Dovecot refuses
// it, unless it compresses itself.
func (s *saver) begin(b []byte) (err error) {
	s.begun = true
	switch {
	case len(b) == 0: // an empty file is what it is
		return nil
	case s.p.save != nil:
		s.codec = s.p.save
	case s.p.find(b) != nil:
		s.codec = &s.p.wrap
	default:
		_, err := s.f.Write(b)
		return err
	}
	if s.z, err = s.codec.NewWriter(s.f); err != nil {
		return err
	}
	_, err = s.z.Write(b)
	return err
}

func (s *saver) Close() error {
	if !s.begun {
		if err := s.begin(s.head); err != nil {
			return err
		}
	}
	if s.z == nil {
		return nil
	}
	return s.z.Close()
}

// mayGive returns how many octets a compressed message may give: somewhat more than its name says, for names can be wrong, but no
// more than Limits.Decoded.
func (s *Store) mayGive(said int64) int64 {
	const slack = 16 << 20
	most := s.Limits.Decoded
	switch {
	case most == 0:
		most = 1 << 30
	case most < 0:
		most = 1<<63 - 1 - slack
	}
	if said >= 0 && said < most-slack {
		return said + slack
	}
	return most
}

// unpack shows a compressed file as a message.
func (b *box) unpack(codec *compress.Codec, f io.ReaderAt, size, said int64) (*unpack.Message, error) {
	return unpack.New(codec, io.NewSectionReader(f, 0, 1<<63-1), unpack.Options{
		Size: size, Most: b.s.mayGive(said), Memory: limit(b.s.Limits.DecodedMemory, 128<<10), Temp: b.unnamed,
	})
}

// unnamed makes a file that is gone once it is closed.
func (b *box) unnamed() (unpack.File, error) {
	name := b.folder() + "/tmp/" + b.sh.seq.base(b.s.now(), b.sh.host)
	f, err := b.sh.fs.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if b.sh.fs.Remove(name) == nil {
		return f, nil
	}
	return &named{f, b.sh.fs, name}, nil // not all systems let open files be removed
}

type named struct {
	vfs.File
	fs   FS
	name string
}

func (n *named) Close() error { return errors.Join(n.File.Close(), n.fs.Remove(n.name)) }

// errNoCodec is the error of a message that is compressed in a way for which the Store has no codec. To show such a file as it is would
// have clients keep it so for ever.
type errNoCodec struct{ name, format string }

func (e *errNoCodec) Error() string {
	return fmt.Sprintf("maildir: %s is compressed with %s, which no Codec of the Store reads", e.name, e.format)
}

// packedBody is a message that is compressed.
type packedBody struct {
	*unpack.Message
	m    *mailbox
	f    vfs.File
	uid  mail.UID
	said int64 // size that it was known to have; -1 none
}

// packedBody returns nil when the message isn't compressed, and when it only seems so: nothing of it can be decoded, or far too much. What
// is damaged further on is shown up to there.
func (m *mailbox) packedBody(ctx context.Context, f vfs.File, name string, uid mail.UID, size int64) (mail.Body, error) {
	codec, err := m.sh.packing.of(f)
	if codec == nil || err != nil {
		return nil, err
	}
	if codec.NewReader == nil {
		return nil, &errNoCodec{name, codec.Name}
	}
	base, _, _, _ := parseName(path.Base(name))
	said, _ := sizesOf(base)
	if size > m.s.mayGive(said) {
		return nil, nil
	}
	msg, err := m.b.unpack(codec, f, size, said)
	if err != nil {
		if !isDamage(err) {
			return nil, err
		}
		m.damaged(uid, err)
		if msg == nil || msg.Size() == 0 {
			return nil, nil
		}
	}
	body := &packedBody{msg, m, f, uid, size}
	if err := body.settle(ctx); err != nil {
		msg.Close()
		return nil, err
	}
	return body, nil
}

// isDamage reports whether an error is the fault of what a file holds.
func isDamage(err error) bool {
	return errors.As(err, new(*unpack.Damaged)) || errors.Is(err, unpack.ErrTooLong)
}

func (m *mailbox) damaged(uid mail.UID, err error) {
	m.s.logger().Warn("compressed message is damaged", "mailbox", m.b.title(), "uid", uid, "error", err)
}

// settle puts the size right where it has turned out to be another.
func (b *packedBody) settle(ctx context.Context) error {
	physical, lf, known, damage := b.Sizes()
	if !known || b.said < 0 || physical+lf == b.said || damage != nil && !isDamage(damage) {
		return nil
	}
	if damage != nil {
		b.m.damaged(b.uid, damage)
	}
	said := b.said
	b.said = physical + lf
	return b.m.resize(ctx, b.uid, said, physical+lf, lf)
}

func (b *packedBody) Close() error {
	return errors.Join(b.settle(context.Background()), b.Message.Close(), b.f.Close())
}

// measure returns how many octets the message in a file has, and how many of its line ends lack a CR. said are the sizes that its name tells, -1
// for none. Those of a compressed one are believed: whoever reads it finds out. err is that of reading, damage what is wrong with
// what is compressed.
func (b *box) measure(f vfs.File, saidPhysical, saidVirtual int64) (octets, lf int64, err error) {
	codec, err := b.sh.packing.of(f)
	if err != nil {
		return 0, 0, err
	}
	if lf := saidVirtual - saidPhysical; codec != nil && saidPhysical >= 0 && lf >= 0 && lf <= saidPhysical {
		return saidPhysical, lf, nil
	}
	octets, lf, damage, err := b.s.count(codec, f, saidPhysical)
	if damage != nil {
		b.s.logger().Warn("compressed message is damaged", "mailbox", b.title(), "file", f.Name(), "error", damage)
	}
	return octets, lf, err
}

// count reads a file to its end and returns the sizes of the message in it, as it is shown. damage is what is wrong where it is compressed.
func (s *Store) count(codec *compress.Codec, f vfs.File, said int64) (octets, lf int64, damage, err error) {
	if codec != nil && codec.NewReader == nil {
		damage, codec = &errNoCodec{f.Name(), codec.Name}, nil
	}
	if codec != nil {
		octets, lf, damage = unpack.Sizes(codec, io.NewSectionReader(f, 0, 1<<63-1), s.mayGive(said))
		switch {
		case damage == nil:
			return octets, lf, nil, nil
		case !isDamage(damage):
			return 0, 0, nil, damage
		case octets > 0 && !errors.Is(damage, unpack.ErrTooLong):
			return octets, lf, damage, nil
		}
	}
	var c lineend.Counter
	buf := copyBuffers.Get().(*[64 << 10]byte)
	defer copyBuffers.Put(buf)
	_, err = io.CopyBuffer(&c, io.NewSectionReader(f, 0, 1<<63-1), buf[:])
	return c.Size, int64(c.Bare), damage, err
}
