package quota_test

import (
	"testing"

	"github.com/buuta/mail/examples/fullserver/quota"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for rule, want := range map[string]quota.Rule{
		"":                                {},
		"*:ignore":                        {},
		"*:storage=1G":                    {Storage: 1 << 30},
		"*:storage=10":                    {Storage: 10 << 10},
		"?:bytes=20000:messages=3":        {Storage: 20000, Messages: 3},
		"*:storage=2T":                    {Storage: 2 << 40},
		"*:storage=2 GiB":                 {Storage: 2 << 30},
		"*:storage=3MB:messages=2k":       {Storage: 3 << 20, Messages: 2048},
		"*:bytes=7B":                      {Storage: 7},
		"*:storage=0:messages=0":          {},
		"*:mailboxes=5:aliases=7:bytes=1": {Storage: 1, Mailboxes: 5, Aliases: 7},
	} {
		got, err := quota.ParseDomain(rule)
		require.NoError(t, err, rule)
		require.Equal(t, want, got, rule)
		again, err := quota.ParseDomain(got.String())
		require.NoError(t, err, rule)
		require.Equal(t, want, again, got.String())
	}
	for rule, want := range map[string]string{
		"1G":               `"1G" must begin with *: and a limit, like *:storage=1G`,
		"Trash:storage=1G": `must begin with *:`,
		"*:storage=x":      `"x" is no size like 500M or 2G`,
		"*:storage=-1":     `"-1" is no size`,
		"*:storage=9999T9": `is no size`,
		"*:storage=":       `"" is no size`,
		"*:storage=2GG":    `"2GG" is no size`,
		"*:storage=2BiB":   `"2BiB" is no size`,
		"*:storage=M":      `"M" is no size`,
		"*:mailboxes=3":    `"mailboxes=3" is no limit: there are storage=`,
	} {
		_, err := quota.Parse(rule)
		require.ErrorContains(t, err, want, rule)
	}
	_, err := quota.ParseDomain("*:users=3")
	require.ErrorContains(t, err, "there are storage=, bytes=, messages=, mailboxes=, aliases= and ignore")
}

// FuzzParse: what is read can be written, and read again as the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"*:storage=1G:messages=1000", "?:bytes=1:aliases=2", "*:ignore", "*:", "*:storage=99999999999999T"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := quota.ParseDomain(s)
		if err != nil {
			require.Zero(t, r)
			return
		}
		again, err := quota.ParseDomain(r.String())
		require.NoError(t, err)
		require.Equal(t, r, again)
	})
}
