package imap

import (
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

// The capabilities of RFC 5464 and RFC 9590: CapMetadata is annotations on mailboxes and the server, CapMetadataServer on the
// server alone.
const (
	CapMetadata       Capability = "METADATA"
	CapMetadataServer Capability = "METADATA-SERVER"
	CapListMetadata   Capability = "LIST-METADATA"
)

// CodeMetadata is METADATA with what is wrong as its argument: "TOOMANY", "MAXSIZE 1024" (RFC 5464 section 5).
const CodeMetadata Code = "METADATA"

// MetadataDepth is how far below its entries GETMETADATA looks (RFC 5464 section 4.2.2).
type MetadataDepth string

// The depths; "" is DepthZero.
const (
	DepthZero     MetadataDepth = "0"
	DepthOne      MetadataDepth = "1"
	DepthInfinity MetadataDepth = "infinity"
)

// GetMetadata is the arguments of GETMETADATA (RFC 5464 section 4.2). Mailbox "" is the server.
type GetMetadata struct {
	Mailbox string
	Entries []string // in lower case
	Depth   MetadataDepth
	MaxSize *uint32 // only values of at most this many octets; nil: all
}

// GetMetadata requires the arguments of GETMETADATA. Options are taken before the mailbox's name, where the grammar has
// them, and behind it, where the RFC's examples have them.
func (d *Decoder) GetMetadata() (g GetMetadata) {
	if d.Peek('(') {
		d.metadataOptions(&g)
		d.SP()
	}
	g.Mailbox = d.Mailbox()
	d.SP()
	if d.optionsNext() {
		d.metadataOptions(&g)
		d.SP()
	}
	g.Entries = d.MetadataEntries()
	return g
}

// optionsNext reports whether a list comes next whose first word is an option: entries begin with "/".
func (d *Decoder) optionsNext() bool {
	return d.Peek('(') && len(d.line) > 1 && (d.line[1]|0x20 == 'd' || d.line[1]|0x20 == 'm')
}

func (d *Decoder) metadataOptions(g *GetMetadata) {
	d.List(func() {
		switch d.Keyword() {
		case "MAXSIZE":
			d.SP()
			n := d.Number()
			g.MaxSize = &n
		case "DEPTH":
			d.SP()
			switch g.Depth = MetadataDepth(strings.ToLower(d.Atom())); g.Depth {
			case DepthZero, DepthOne, DepthInfinity:
			default:
				d.fail("DEPTH 0, 1 or infinity expected")
			}
		default:
			d.fail("Unknown GETMETADATA option")
		}
	})
}

// GetMetadata writes the arguments of GETMETADATA.
func (e *Encoder) GetMetadata(g GetMetadata) *Encoder {
	var opts []string
	if g.MaxSize != nil {
		opts = append(opts, "MAXSIZE "+strconv.FormatUint(uint64(*g.MaxSize), 10))
	}
	if g.Depth != "" {
		opts = append(opts, "DEPTH "+string(g.Depth))
	}
	if len(opts) > 0 {
		e.Raw("(").Raw(strings.Join(opts, " ")).Raw(") ")
	}
	return e.Mailbox(g.Mailbox).SP().MetadataEntries(g.Entries)
}

// MetadataEntries requires entries (RFC 5464 section 5), one or a list of them, and returns them in lower case.
func (d *Decoder) MetadataEntries() (entries []string) {
	if d.Peek('(') {
		d.List(func() { entries = append(entries, d.metadataEntry(false)) })
		if len(entries) == 0 {
			d.fail("Entries expected")
		}
		return entries
	}
	return []string{d.metadataEntry(false)}
}

// MetadataEntries writes entries.
func (e *Encoder) MetadataEntries(entries []string) *Encoder {
	e.Raw("(")
	for i, name := range entries {
		if i > 0 {
			e.SP()
		}
		e.AString(name)
	}
	return e.Raw(")")
}

// metadataEntry requires the name of an entry; exact wants one that can have a value. "Invalid entry names result in a BAD
// response in any IMAP command in which they are used" (RFC 5464 section 3.2).
func (d *Decoder) metadataEntry(exact bool) string {
	name := strings.ToLower(d.AString())
	if d.Err() == nil && !validMetadata(name, exact) {
		d.fail("Bad entry name")
	}
	return name
}

// maxMetadataName bounds an entry's name.
const maxMetadataName = 1024

// validMetadata applies RFC 5464 section 3.2. Without exact a name may be one that only others are below.
func validMetadata(name string, exact bool) bool {
	parts := strings.Split(name, "/")
	if len(name) > maxMetadataName || parts[0] != "" || len(parts) < 2 || parts[1] != "private" && parts[1] != "shared" ||
		slices.Contains(parts[1:], "") {
		return false
	}
	for i := range len(name) {
		if c := name[i]; c < ' ' || c >= 0x7f || c == '*' || c == '%' {
			return false
		}
	}
	return !exact || len(parts) > 2 && (parts[2] != "vendor" || len(parts) > 4)
}

// Metadata requires entry-values (RFC 5464 section 5), as SETMETADATA and its response have them: "(/private/comment "x")".
func (d *Decoder) Metadata() (list []mail.Annotation) {
	d.List(func() {
		a := mail.Annotation{Name: d.metadataEntry(true)}
		d.SP()
		switch {
		case d.TryWord("NIL"):
		default:
			a.Value = []byte(d.String())
		}
		list = append(list, a)
	})
	return list
}

// Metadata writes entry-values. A value that holds NUL is a literal8.
func (e *Encoder) Metadata(list []mail.Annotation) *Encoder {
	e.Raw("(")
	for i, a := range list {
		if i > 0 {
			e.SP()
		}
		e.AString(a.Name).SP()
		switch {
		case a.Value == nil:
			e.Raw("NIL")
		case slices.Contains(a.Value, 0):
			e.Raw("~").LiteralBytes(a.Value)
		default:
			e.String(string(a.Value))
		}
	}
	return e.Raw(")")
}

// MetadataResponse requires what follows "METADATA" in a response (RFC 5464 section 4.4): a mailbox, "" for the server, and
// either entries with their values or the names of those that have changed.
func (d *Decoder) MetadataResponse() (mailbox string, values []mail.Annotation, changed []string) {
	mailbox = d.Mailbox()
	d.SP()
	if d.Peek('(') {
		return mailbox, d.Metadata(), nil
	}
	for {
		changed = append(changed, d.metadataEntry(true))
		if len(changed) > d.Limits.Items || !d.TrySP() {
			return mailbox, nil, changed
		}
	}
}

// MetadataChanged writes what follows "METADATA" in a response that tells which entries have changed.
func (e *Encoder) MetadataChanged(mailbox string, entries []string) *Encoder {
	e.Mailbox(mailbox)
	for _, name := range entries {
		e.SP().AString(name)
	}
	return e
}
