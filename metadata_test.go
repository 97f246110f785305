package mail_test

import (
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

// RFC 5464 section 3.2: "Entry names MUST NOT contain asterisk ("*") or percent ("%") characters and MUST NOT contain
// non-ASCII characters or characters with octet values in the range 0x00 to 0x19", "MUST NOT contain two consecutive "/"
// characters and MUST NOT end with a "/"".
func TestValidAnnotation(t *testing.T) {
	for _, name := range []string{"/private/comment", "/shared/admin", "/shared/vendor/vendor.dovecot/pvt/x", "/private/a b", "/private/..", "/private/" + strings.Repeat("x", 991)} {
		require.True(t, mail.ValidAnnotation(name), name)
	}
	for _, name := range []string{"", "/", "/private", "/private/", "/privatex/y", "/shared//x", "/shared/x/", "shared/x", "/private/A", "/private/*", "/private/%",
		"/private/\x19", "/private/\x7f", "/private/é", "/private/" + strings.Repeat("x", 992)} {
		require.False(t, mail.ValidAnnotation(name), name)
	}
}

func TestAnnotationBelow(t *testing.T) {
	require.True(t, mail.AnnotationBelow("/private/a/b", nil))
	require.False(t, mail.AnnotationBelow("/private/a/b", []string{}))
	for _, root := range []string{"/private/a/b", "/private/a", "/private", "/private/", "/", ""} {
		require.True(t, mail.AnnotationBelow("/private/a/b", []string{"/shared/x", root}), root)
	}
	for _, root := range []string{"/private/a/b/c", "/priv", "/private/b", "/shared"} {
		require.False(t, mail.AnnotationBelow("/private/a/b", []string{root}), root)
	}
}
