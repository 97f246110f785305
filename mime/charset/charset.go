// Package charset reads text in the charsets that mail is written in: those of the WHATWG Encoding standard under all
// their names, and what mail adds to them. Pass [NewReader] where package mime has a field called CharsetReader. It is
// a package of its own so that who needs UTF-8 only doesn't carry the tables.
package charset

import (
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// ErrUnknown says that a charset isn't known.
var ErrUnknown = errors.New("charset: unknown charset")

// NewReader returns input, text in the named charset, as UTF-8. What can't be read becomes U+FFFD. Vietnamese charsets
// that write marks after their letters, such as windows-1258, are composed to normalisation form C. The error is
// ErrUnknown.
func NewReader(charset string, input io.Reader) (io.Reader, error) {
	name := canonical(charset)
	switch name {
	case "viscii":
		return &tableReader{r: input, table: newTable(visciiHigh, visciiLow)}, nil
	case "tcvn":
		return &composeReader{r: &tableReader{r: input, table: newTable(tcvnHigh, tcvnLow)}}, nil
	case "windows-1258":
		return &composeReader{r: charmap.Windows1258.NewDecoder().Reader(input)}, nil
	case "utf-7":
		return newUTF7Reader(input), nil
	case "iso-2022-kr":
		return korean.EUCKR.NewDecoder().Reader(&iso2022Reader{r: input}), nil
	case "iso-2022-cn":
		return simplifiedchinese.GBK.NewDecoder().Reader(&iso2022Reader{r: input}), nil
	}
	e := find(name)
	if e == nil {
		return nil, ErrUnknown
	}
	return e.NewDecoder().Reader(input), nil
}

// Known reports whether NewReader knows a charset.
func Known(charset string) bool {
	switch name := canonical(charset); name {
	case "viscii", "tcvn", "windows-1258", "utf-7", "iso-2022-kr", "iso-2022-cn":
		return true
	default:
		return find(name) != nil
	}
}

// find looks among the encodings of x/text.
func find(name string) encoding.Encoding {
	switch name {
	case "cp437", "ibm437", "437":
		return charmap.CodePage437
	case "cp850", "ibm850", "850":
		return charmap.CodePage850
	case "cp852", "ibm852":
		return charmap.CodePage852
	case "cp858", "ibm00858":
		return charmap.CodePage858
	case "utf-16": // "SHOULD be interpreted as being big-endian" without a mark (RFC 2781 section 4.3)
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case "hz-gb-2312":
		return simplifiedchinese.HZGB2312
	case "utf-32":
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM)
	case "utf-32be":
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
	case "utf-32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	}
	e, err := htmlindex.Get(name)
	if err != nil || e == encoding.Replacement {
		return nil
	}
	return e
}

// canonical brings a name to one the tables know. Senders write quotes, underscores, and names of their own.
func canonical(name string) string {
	name = strings.ToLower(strings.Trim(name, " \t\r\n\"'"))
	switch name {
	case "iso-2022-kr", "csiso2022kr":
		return "iso-2022-kr"
	case "iso-2022-cn", "iso-2022-cn-ext":
		return "iso-2022-cn"
	}
	if _, err := htmlindex.Get(name); err == nil {
		if name == "cp1258" || name == "x-cp1258" {
			return "windows-1258"
		}
		return name
	}
	switch name {
	case "viscii", "viscii1.1-1", "csviscii", "x-viet-viscii":
		return "viscii"
	case "tcvn", "tcvn3", "tcvn-5712", "tcvn5712-1", "tcvn5712-1:1993", "x-viet-tcvn5712", "x-viet-tcvn":
		return "tcvn"
	case "utf7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7":
		return "utf-7"
	case "utf16", "ucs-2", "iso-10646-ucs-2", "csutf16":
		return "utf-16"
	case "hz":
		return "hz-gb-2312"
	case "utf32", "ucs-4":
		return "utf-32"
	case "gb2312_charset", "x-euc-cn", "euc-cn", "cp936", "936":
		return "gbk"
	case "cp950", "950", "big5_charset":
		return "big5"
	case "cp949", "949", "uhc":
		return "euc-kr"
	case "cp932", "932", "windows-932", "shift-jis-2004":
		return "shift_jis"
	case "iso-2022-jp-1", "iso-2022-jp-2", "iso-2022-jp-ms", "cp50220", "cp50221":
		return "iso-2022-jp"
	case "cp874":
		return "windows-874"
	case "iso-8859-8-e":
		return "iso-8859-8"
	}
	for _, prefix := range [...]string{"x-windows-", "win-", "win", "windows", "cp-", "ansi-"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && len(strings.Trim(rest, "0123456789")) == 0 && len(rest) == 4 {
			return "windows-" + rest
		}
	}
	for _, prefix := range [...]string{"iso8859-", "iso_8859-", "iso8859_", "iso-8859_", "8859-"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return "iso-8859-" + rest
		}
	}
	return name
}
