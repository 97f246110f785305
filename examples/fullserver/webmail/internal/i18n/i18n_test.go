package i18n_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/i18n"
)

// Every key is there in every language, with the same things to put in; English has its singulars besides.
func TestComplete(t *testing.T) {
	c, err := i18n.Load()
	require.NoError(t, err)
	verbs := regexp.MustCompile(`%[a-z]`)
	c.Keys(i18n.EN, func(key, text string) {
		if strings.HasSuffix(key, ".one") {
			require.True(t, c.Has(i18n.EN, strings.TrimSuffix(key, ".one")), key)
			return
		}
		require.True(t, c.Has(i18n.VI, key), "vi lacks %q", key)
		require.Equal(t, verbs.FindAllString(text, -1), verbs.FindAllString(c.T(i18n.VI, key), -1), key)
		require.NotEmpty(t, strings.TrimSpace(text), key)
	})
	same := 0
	c.Keys(i18n.VI, func(key, text string) {
		require.True(t, c.Has(i18n.EN, key), "en lacks %q", key)
		require.NotEmpty(t, strings.TrimSpace(text), key)
		if text == c.T(i18n.EN, key) {
			same++
		}
	})
	require.Less(t, same, 25, "texts that are the same in both languages")
}

func TestMatch(t *testing.T) {
	for accept, want := range map[string]i18n.Lang{"": i18n.EN, "vi": i18n.VI, "vi-VN,vi;q=0.9,en;q=0.8": i18n.VI, "fr, VI;q=0.5": i18n.VI, "en-US,vi": i18n.EN,
		strings.Repeat("vi,", 1000): i18n.EN} {
		require.Equal(t, want, i18n.Match(accept), accept)
	}
}

func TestForms(t *testing.T) {
	require.Equal(t, "999 B", i18n.EN.Size(999))
	require.Equal(t, "1.5 KB", i18n.EN.Size(1536))
	require.Equal(t, "1,5 MB", i18n.VI.Size(1536*1024))
	require.Equal(t, "1 GB", i18n.VI.Size(1<<30))
	now := time.Date(2026, 3, 4, 15, 6, 0, 0, time.UTC)
	require.Equal(t, "15:06", i18n.VI.Short(now, now))
	require.Equal(t, "03/03", i18n.EN.Short(now.AddDate(0, 0, -1), now))
	require.Equal(t, "04/03/2025", i18n.EN.Short(now.AddDate(-1, 0, 0), now))
	c, err := i18n.Load()
	require.NoError(t, err)
	require.Equal(t, "1 message", c.N(i18n.EN, "messages", 1))
	require.Equal(t, "2 messages", c.N(i18n.EN, "messages", 2))
	require.Equal(t, "1 thư", c.N(i18n.VI, "messages", 1))
	require.Equal(t, "no.such.key", c.T(i18n.VI, "no.such.key"))
}
