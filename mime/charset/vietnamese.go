package charset

import (
	"io"
	"unicode/utf8"
)

// Two Vietnamese charsets that x/text doesn't have. The High tables are 0x80 to 0xff in order; the Low tables are pairs
// of a control character and the letter that took its place.

// RFC 1456.
const visciiHigh = "" +
	"ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐ" +
	"ỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲ" +
	"Õắằặấầẩậẽẹếềểễệố" +
	"ồổỗỠƠộờởịỰỨỪỬơớƯ" +
	"ÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳ" +
	"ĐứÒÓÔạỷừửÙÚỹỵÝỡư" +
	"àáâãảăữẫèéêẻìíĩỉ" +
	"đựòóôõỏọụùúũủýợỮ"

const visciiLow = "\x02Ẳ\x05Ẵ\x06Ẫ\x14Ỷ\x19Ỹ\x1eỴ"

// TCVN 5712:1993, VN1. Its combining marks come after their letter, so what is read needs to be composed.
const tcvnHigh = "" +
	"ÀẢÃÁẠẶẬÈẺẼÉẸỆÌỈĨ" +
	"ÍỊÒỎÕÓỌỘỜỞỠỚỢÙỦŨ" +
	"\u00a0ĂÂÊÔƠƯĐăâêôơưđẰ" +
	"\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴ" +
	"ẮẦẨẪẤỀặầẩẫấậèỂẻẽ" +
	"éẹềểễếệìỉỄẾỒĩíịò" +
	"Ổỏõóọồổỗốộờởỡớợù" +
	"ỖủũúụừửữứựỳỷỹýỵỐ"

const tcvnLow = "\x01Ú\x02Ụ\x04Ừ\x05Ử\x06Ữ\x11Ứ\x12Ự\x13Ỳ\x14Ỷ\x15Ỹ\x16Ý\x17Ỵ"

// newTable makes the 256 characters of a charset.
func newTable(high, low string) *[256]rune {
	var t [256]rune
	for i := range 128 {
		t[i] = rune(i)
	}
	i := 128
	for _, r := range high {
		t[i] = r
		i++
	}
	for low != "" {
		r, n := utf8.DecodeRuneInString(low[1:])
		t[low[0]] = r
		low = low[1+n:]
	}
	return &t
}

// tableReader decodes one octet at a time into one character.
type tableReader struct {
	r     io.Reader
	table *[256]rune
	in    [2048]byte
	out   []byte
	ready []byte
	err   error
}

func (t *tableReader) Read(p []byte) (int, error) {
	for len(t.ready) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		var n int
		n, t.err = t.r.Read(t.in[:])
		t.out = t.out[:0]
		for _, c := range t.in[:n] {
			t.out = utf8.AppendRune(t.out, t.table[c])
		}
		t.ready = t.out
	}
	n := copy(p, t.ready)
	t.ready = t.ready[n:]
	return n, nil
}
