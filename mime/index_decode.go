package mime

// DecodeIndex reads what [Index.AppendBinary] wrote. b may be changed afterwards. It returns ErrIndexVersion or
// ErrIndexDamaged for anything else, and never takes memory out of proportion to len(b).
func DecodeIndex(b []byte) (*Index, error) {
	if len(b) == 0 {
		return nil, ErrIndexDamaged
	}
	if b[0] != indexVersion {
		return nil, ErrIndexVersion
	}
	d := indexDecoder{s: string(b), at: 1}
	n := d.count(minPartSize)
	d.slab = make([]Part, n)
	ix := &Index{Size: d.int()}
	d.size = ix.Size
	ix.Root = d.part(0, 0)
	ix.Preview = d.string()
	if n := d.count(2); n > 0 {
		ix.Problems = make([]Problem, n)
		for i := range ix.Problems {
			ix.Problems[i] = Problem{Kind: ProblemKind(d.byte()), Offset: d.int()}
		}
	}
	if d.bad || d.at != len(d.s) || len(d.slab) != 0 {
		return nil, ErrIndexDamaged
	}
	return ix, nil
}

// DecodeEnvelope reads the message's envelope from what [Index.AppendBinary] wrote and nothing behind it, for those who sort
// or compare many messages. What it returns is what [DecodeIndex] has in Root.Envelope, but where the index is damaged
// behind it.
func DecodeEnvelope(b []byte) (*Envelope, error) { return new(EnvelopeDecoder).Decode(b) }

// EnvelopeDecoder is [DecodeEnvelope] for one message after the other, in memory that serves for all of them. Its zero value
// is ready. It is for one goroutine.
type EnvelopeDecoder struct {
	d         indexDecoder
	part      [1]Part
	envelope  Envelope
	addresses []Address
}

// Decode is [DecodeEnvelope]. What it returns is good until the next Decode; its strings may be kept.
func (x *EnvelopeDecoder) Decode(b []byte) (*Envelope, error) {
	if len(b) == 0 {
		return nil, ErrIndexDamaged
	}
	if b[0] != indexVersion {
		return nil, ErrIndexVersion
	}
	x.part[0], x.envelope = Part{}, Envelope{}
	d := &x.d
	*d = indexDecoder{s: string(b), at: 1, slab: x.part[:], envelopeOnly: &x.envelope, addresses: x.addresses[:0]}
	d.count(minPartSize)
	d.size = d.int()
	root := d.part(0, 0)
	x.addresses = d.addresses[:0]
	if d.bad || root.Envelope == nil {
		return nil, ErrIndexDamaged
	}
	return root.Envelope, nil
}

// minPartSize is what the smallest part takes in the serialised form.
const minPartSize = 12

type indexDecoder struct {
	s    string // strings in the index are pieces of it
	at   int
	bad  bool
	size int64  // of the message
	slab []Part // parts not yet handed out

	envelopeOnly *Envelope // not nil: put the root's envelope here and end behind it
	addresses    []Address // room for addresses; lists are pieces of it
}

func (d *indexDecoder) byte() byte {
	if d.at >= len(d.s) {
		d.bad = true
		return 0
	}
	d.at++
	return d.s[d.at-1]
}

func (d *indexDecoder) uint() uint64 {
	var v uint64
	for shift := 0; shift < 70; shift += 7 {
		c := d.byte()
		if shift == 63 && c > 1 {
			break
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	d.bad = true
	return 0
}

func (d *indexDecoder) int() int64 {
	u := d.uint()
	v := int64(u >> 1)
	if u&1 != 0 {
		v = ^v
	}
	return v
}

// count reads the number of things that follow, each of which takes at least size octets.
func (d *indexDecoder) count(size int) int {
	n := d.uint()
	if d.bad || n > uint64((len(d.s)-d.at)/size) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *indexDecoder) string() string {
	n := d.uint()
	if n&1 != 0 {
		if n >>= 1; n < uint64(len(commonWords)) {
			return commonWords[n]
		}
		d.bad = true
		return ""
	}
	n >>= 1
	if d.bad || n > uint64(len(d.s)-d.at) {
		d.bad = true
		return ""
	}
	s := d.s[d.at : d.at+int(n)]
	d.at += int(n)
	return s
}

func (d *indexDecoder) nstring() NString {
	if d.byte() == 0 {
		return NString{}
	}
	return NString{d.string(), true}
}

func (d *indexDecoder) params() []Param {
	n := d.count(3)
	if n == 0 {
		return nil
	}
	if d.envelopeOnly != nil {
		for range n {
			d.string()
			d.string()
			d.byte()
		}
		return nil
	}
	params := make([]Param, n)
	for i := range params {
		params[i] = Param{Name: d.string(), Value: d.string(), Extended: d.byte() != 0}
	}
	return params
}

// span checks that a range lies within the message, so that whoever reads it can't be led astray.
func (d *indexDecoder) span(offset, size int64) Span {
	if offset < 0 || size < 0 || offset > d.size || size > d.size-offset {
		d.bad = true
		return Span{}
	}
	return Span{offset, size}
}

func (d *indexDecoder) part(base int64, depth int) *Part {
	if d.bad || len(d.slab) == 0 || depth > maxDepth {
		d.bad = true
		return nil
	}
	p := &d.slab[0]
	d.slab = d.slab[1:]
	flags := d.byte()
	p.Header = d.span(base+d.int(), d.int())
	p.Body = d.span(p.Header.End()+d.int(), d.int())
	p.HeaderLines, p.Lines = d.int(), d.int()
	p.Type, p.Subtype = d.string(), d.string()
	p.Params = d.params()
	p.Encoding = d.string()
	if flags&partHasDisposition != 0 {
		p.Disposition = &Disposition{Type: d.string(), Params: d.params()}
	}
	if flags&partHasNStrings != 0 {
		p.ID, p.Description, p.MD5, p.Location = d.nstring(), d.nstring(), d.nstring(), d.nstring()
	}
	if flags&partHasLanguage != 0 {
		p.Language = make([]string, d.count(1))
		for i := range p.Language {
			p.Language[i] = d.string()
		}
	}
	if flags&partHasEnvelope != 0 {
		p.Envelope = d.envelope()
	}
	if d.envelopeOnly != nil {
		return p
	}
	if n := d.count(minPartSize); n > 0 && n <= len(d.slab) {
		p.Parts = make([]*Part, n)
		for i := range p.Parts {
			p.Parts[i] = d.part(p.Body.Offset, depth+1)
		}
	} else if n > 0 {
		d.bad = true
	}
	if flags&partHasMessage != 0 {
		p.Message = d.part(p.Body.Offset, depth+1)
	}
	return p
}

func (d *indexDecoder) envelope() *Envelope {
	v := d.envelopeOnly
	if v == nil {
		v = &Envelope{}
	}
	for _, s := range [...]*NString{&v.Date, &v.Subject, &v.InReplyTo, &v.MessageID, &v.References} {
		*s = d.nstring()
	}
	for i, list := range [...]*[]Address{&v.From, &v.Sender, &v.ReplyTo, &v.To, &v.Cc, &v.Bcc} {
		if d.byte() != 0 {
			if i != 1 && i != 2 {
				d.bad = true
			}
			*list = v.From
			continue
		}
		n := d.count(5)
		if n == 0 {
			continue
		}
		*list = d.list(n)
		for j := range *list {
			(*list)[j] = Address{Kind: AddressKind(d.byte()), Name: d.string(), Route: d.string(), Mailbox: d.string(), Host: d.string()}
		}
	}
	return v
}

// list returns a list of n addresses.
func (d *indexDecoder) list(n int) []Address {
	if cap(d.addresses)-len(d.addresses) < n {
		if d.envelopeOnly == nil {
			return make([]Address, n)
		}
		d.addresses = make([]Address, 0, max(2*cap(d.addresses), n, 8))
	}
	from := len(d.addresses)
	d.addresses = d.addresses[:from+n]
	return d.addresses[from : from+n : from+n]
}
