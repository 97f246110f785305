package maildir

import (
	"bytes"
	"cmp"
	"context"
	"strings"

	"github.com/buuta/mail"
)

// Dovecot writes into a line of its UID list what it must know of a message besides: its POP3 unique-id where that came from another
// server ("P"), its place in the order of POP3 ("O"). We keep what stands there, and tell pop3 the unique-ids.

// courierSizesName is where Courier's POP3 server keeps its unique-ids, which aren't its IMAP server's UIDs.
const courierSizesName = "courierpop3dsizelist"

// otherFields returns, by base name, the fields of the UID list that are none of ours, each with a space before it; where Courier was here
// before us, those that tell its unique-ids.
func otherFields(fsys FS, dir string) (map[string]string, error) {
	raw, err := readFile(fsys, dir+"/"+uidListName)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	if raw != nil {
		first, rest, _ := bytes.Cut(raw, []byte("\n"))
		if bytes.HasPrefix(first, []byte("3 ")) {
			for line := range bytes.Lines(rest) {
				if base, fields := entryFields(line); fields != "" {
					out[base] = fields
				}
			}
		}
		return out, nil
	}
	if raw, err = readFile(fsys, dir+"/"+courierSizesName); err != nil {
		return nil, err
	}
	for base, id := range courierUniqueIDs(raw) {
		out[base] = " P" + id
	}
	return out, nil
}

// entryFields returns the fields of a UID list's line but for its GUID.
func entryFields(line []byte) (base, fields string) {
	head, name, ok := bytes.Cut(line, []byte(" :"))
	if !ok {
		return "", ""
	}
	_, head, _ = bytes.Cut(head, []byte(" "))
	if len(head) == 0 || head[0] == 'G' && bytes.IndexByte(head, ' ') < 0 {
		return "", "" // as nearly all are
	}
	var out strings.Builder
	for f := range bytes.FieldsSeq(head) {
		if f[0] != 'G' {
			out.WriteByte(' ')
			out.Write(f)
		}
	}
	base, _, _ = strings.Cut(strings.TrimRight(string(name), "\r\n"), ":")
	return base, out.String()
}

// courierUniqueIDs reads Courier's list: "/3 next uidvalidity", then "name size uid:uidvalidity:flag". A unique-id is made of the two
// numbers; in older lists the second is 0 or missing.
func courierUniqueIDs(raw []byte) map[string]string {
	out := map[string]string{}
	for line := range bytes.Lines(raw) {
		f := strings.Fields(string(line))
		if len(f) != 3 || strings.HasPrefix(f[0], "/") {
			continue
		}
		base, _, _ := strings.Cut(f[0], ":")
		n := strings.Split(f[2], ":")
		if !safeBase(base) || number(n[0]) == 0 {
			continue
		}
		id := "UID" + n[0]
		if len(n) > 1 && number(n[1]) != 0 {
			id += "-" + n[1]
		}
		out[base] = id
	}
	return out
}

// UniqueIDs implements mail.UniqueIDKeeper.
func (m *mailbox) UniqueIDs(ctx context.Context) (map[mail.UID]string, error) {
	if err := m.b.refresh(ctx); err != nil {
		return nil, err
	}
	b := m.b
	now, err := b.stamp(b.dir + "/" + uidListName)
	if err != nil {
		return nil, err
	}
	b.mu.RLock()
	none := now.same(b.plain) && now != (fileStamp{})
	b.mu.RUnlock()
	if none {
		return nil, nil
	}
	raw, free, err := readPooled(b.sh.fs, b.dir+"/"+uidListName)
	if err != nil {
		return nil, err
	}
	defer free()
	var out map[mail.UID]string
	if bytes.Contains(raw, []byte(" P")) {
		out = map[mail.UID]string{}
		_, rest, _ := bytes.Cut(raw, []byte("\n"))
		for line := range bytes.Lines(rest) {
			_, fields := entryFields(line)
			for f := range strings.FieldsSeq(fields) {
				if id, ok := strings.CutPrefix(f, "P"); ok && id != "" {
					num, _, _ := bytes.Cut(line, []byte(" "))
					out[mail.UID(number(string(num)))] = id
				}
			}
		}
	}
	if len(out) == 0 {
		b.mu.Lock()
		b.plain = now
		b.mu.Unlock()
	}
	return out, nil
}

// FileNames implements mail.FileNamer.
func (m *mailbox) FileNames(ctx context.Context) (map[mail.UID]mail.FileName, error) {
	var v view
	n := 0
	if err := m.view(ctx, func(st *state) { v, n = st.take(mail.AllUIDs()), st.n }); err != nil {
		return nil, err
	}
	out := make(map[mail.UID]mail.FileName, n)
	for b, s := range v.all {
		base := v.base(b, s)
		out[mail.UID(s.uid)] = mail.FileName{Base: base, GUID: cmp.Or(b.guid(s), base)}
	}
	return out, nil
}

// UniqueIDs implements mail.UniqueIDKeeper.
func (g *guarded) UniqueIDs(ctx context.Context) (map[mail.UID]string, error) {
	if _, err := g.may(ctx, mail.RightRead); err != nil {
		return nil, err
	}
	return g.m.UniqueIDs(ctx)
}

// FileNames implements mail.FileNamer.
func (g *guarded) FileNames(ctx context.Context) (map[mail.UID]mail.FileName, error) {
	if _, err := g.may(ctx, mail.RightRead); err != nil {
		return nil, err
	}
	return g.m.FileNames(ctx)
}
