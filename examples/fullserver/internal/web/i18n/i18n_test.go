package i18n_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
)

func texts(en, vi string) fstest.MapFS {
	return fstest.MapFS{"en.txt": {Data: []byte(en)}, "vi.txt": {Data: []byte(vi)}}
}

// What one language has and the other hasn't is found.
func TestProblems(t *testing.T) {
	c, err := i18n.Load(texts("# English\na = A\nn = %d as\nn.one = %d a\n", "a = Ă\nn = %d ă\n"), texts("b = B\n", "b = B\n"))
	require.NoError(t, err)
	require.Empty(t, c.Problems())
	require.Equal(t, "1 a", c.N(i18n.EN, "n", 1))
	require.Equal(t, "2 as", c.N(i18n.EN, "n", 2))
	require.Equal(t, "1 ă", c.N(i18n.VI, "n", 1))
	require.Equal(t, "no.such.key", c.T(i18n.VI, "no.such.key"))

	c, err = i18n.Load(texts("a = A\nb = %d %s\nd.one = x\ne =  \n", "b = %s\nc = C\ne = e\n"))
	require.NoError(t, err)
	got := c.Problems()
	slices.Sort(got)
	require.Equal(t, []string{"b: other things to put in", "en lacks c", "en: d.one without d", "en: e is empty", "vi lacks a"}, got)

	for _, bad := range []string{"a\n", "a = 1\na = 2\n"} {
		_, err = i18n.Load(texts(bad, ""))
		require.Error(t, err)
	}
	_, err = i18n.Load(texts("a = 1\n", ""), texts("a = 1\n", ""))
	require.Error(t, err)
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
}
