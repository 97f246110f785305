package webadmin_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
)

// Every key that pages name is there, in both languages.
func TestTexts(t *testing.T) {
	c, err := i18n.Load(os.DirFS("texts"))
	require.NoError(t, err)
	require.Empty(t, c.Problems())
	files, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	key := regexp.MustCompile(`\b[TN]\(? ?"([a-z.]+)"|key: +"([a-z.]+)"`)
	for _, name := range append(files, sources...) {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range key.FindAllStringSubmatch(string(b), -1) {
			k := m[1] + m[2]
			if k != "key" && !strings.HasSuffix(k, ".") {
				require.True(t, c.Has(i18n.EN, k), "%s: %s", name, k)
			}
		}
	}
}
