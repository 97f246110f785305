package mime_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
)

// "Implementations … MUST normalize any msg-id in order to avoid false non-matches due to differences in quoting."
func TestThreadMessageIDs(t *testing.T) {
	for in, want := range map[string]string{
		`<"01KF8JCEOCBS0045PS"@xxx.yyy.com>`: "01KF8JCEOCBS0045PS@xxx.yyy.com",
		`<01KF8JCEOCBS0045PS@xxx.yyy.com>`:   "01KF8JCEOCBS0045PS@xxx.yyy.com",
		`<a@b> <c@d>`:                        "a@b c@d",
		`<a@b>,<c@d>`:                        "a@b c@d",
		`words <a@b> of "John" <c@ d>`:       "a@b c@d",
		`<"a\"b>c"@d>`:                       `a"b>c@d`,
		`<a@b <c@d>`:                         "c@d",
		`<noat> <a@b>`:                       "a@b",
		`<a@b`:                               "",
		`no brackets a@b`:                    "",
		`<"open@b> <c@d>`:                    "",
	} {
		var got []string
		for id := range mime.ThreadMessageIDs(in) {
			got = append(got, string(id))
		}
		require.Equal(t, want, strings.Join(got, " "), "%q", in)
	}
}
