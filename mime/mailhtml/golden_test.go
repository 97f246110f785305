package mailhtml_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime/mailhtml"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestNewsletters compares the mails of testdata with what was looked at in a browser: as a fragment, as a document, and
// as text.
func TestNewsletters(t *testing.T) {
	for _, name := range newsletters(t) {
		in, err := os.ReadFile(name)
		require.NoError(t, err)
		base := strings.TrimSuffix(name, ".in.html")
		golden(t, base+".fragment.html", full(t, &mailhtml.Sanitizer{}, string(in)))
		golden(t, base+".document.html", full(t, &mailhtml.Sanitizer{Mode: mailhtml.Document}, string(in)))
		golden(t, base+".txt", []byte(mailhtml.Text(in, nil)))
	}
}

func golden(t *testing.T, name string, got []byte) {
	if *update {
		require.NoError(t, os.WriteFile(name, got, 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), name)
}
