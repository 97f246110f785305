package signed

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 6376 section 3.2.
func TestParseTags(t *testing.T) {
	for _, c := range []struct {
		clause, in string
		want       Tags // nil: an error
	}{
		{"tag-list = tag-spec *( \";\" tag-spec ) [ \";\" ]", "a=1;b=2", Tags{"a": "1", "b": "2"}},
		{"[ \";\" ]", "a=1; b=2;", Tags{"a": "1", "b": "2"}},
		{"[ \";\" ]: one", "a=1;;", nil},
		{"a tag-spec between two is not empty", "a=1;;b=2", nil},
		{"FWS around names and values", "\r\n a\t =\r\n 1 \r\n ;\tb= 2 ", Tags{"a": "1", "b": "2"}},
		{"within a value FWS stays", "a=1  2\r\n 3", Tags{"a": "1  2\r\n 3"}},
		{"an empty value explicitly designates the empty string", "a=; b=", Tags{"a": "", "b": ""}},
		{"tag-name is case-sensitive", "a=1; A=2", Tags{"a": "1", "A": "2"}},
		{"Tags with duplicate names MUST NOT occur within a single tag-list", "a=1; a=1", nil},
		{"tag-name = ALPHA *ALNUMPUNC", "a_9=1", Tags{"a_9": "1"}},
		{"tag-name = ALPHA *ALNUMPUNC", "9a=1", nil},
		{"tag-name = ALPHA *ALNUMPUNC", "a-b=1", nil},
		{"tag-name is not empty", "=1", nil},
		{"a tag-spec has a \"=\"", "a=1; b", nil},
		{"a value may have \"=\"", "a==1=", Tags{"a": "=1="}},
		{"VALCHAR = %x21-3A / %x3C-7E", "a=\x00", nil},
		{"VALCHAR", "a=\x7f", nil},
		{"RFC 8616 section 5: non-ASCII UTF-8 characters", "a=bücher", Tags{"a": "bücher"}},
		{"a list has a tag", "", nil},
		{"a list has a tag", ";", nil},
	} {
		got, err := ParseTags(c.in)
		require.Equal(t, c.want == nil, err != nil, "%s: %q", c.clause, c.in)
		require.Equal(t, c.want, got, c.clause)
	}
	_, err := ParseTags(strings.Repeat("x", 70) + "=1" + manyTags(MaxTags))
	require.Error(t, err)
}

func manyTags(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("; t" + strings.Repeat("x", i) + "=1")
	}
	return b.String()
}

// RFC 6376 section 3.5: "the value of the "b=" tag ... MUST be treated as though it were an empty string".
func TestWithoutB(t *testing.T) {
	for _, c := range [][2]string{
		{"X: a=1; b=abc; c=2\r\n", "X: a=1; b=; c=2\r\n"},
		{"X: b=abc", "X: b="},
		{"X: bh=abc; b=\r\n abc\r\n def ;c=1", "X: bh=abc; b=;c=1"},
		{"X:\r\n b = abc; x=1", "X:\r\n b =; x=1"},
		{"X: bb=abc; B=1", "X: bb=abc; B=1"},
		{"X: a=b=c; b=d", "X: a=b=c; b="},
		{"X: b=a=b", "X: b="},
	} {
		require.Equal(t, c[1], string(Field(c[0]).WithoutB()))
	}
}

func FuzzTags(f *testing.F) {
	f.Add("v=1; a=rsa-sha256; b=abc==; bh=x")
	f.Add("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	f.Add("v=DKIM1; h=sha256; s=email:*; t=y:s; p=")
	f.Fuzz(func(t *testing.T, s string) {
		tags, err := ParseTags(s)
		ParseKey(s, 4096)
		field := Field("X: " + s)
		without := field.WithoutB()
		if err != nil {
			return
		}
		again, err := ParseTags(without.Value())
		require.NoError(t, err)
		if _, ok := tags["b"]; ok {
			require.Equal(t, "", again["b"])
		}
		require.Len(t, again, len(tags))
	})
}
