package webmail_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
)

// Every key is there in every language, with the same things to put in.
func TestTexts(t *testing.T) {
	c, err := i18n.Load(os.DirFS("texts"))
	require.NoError(t, err)
	require.Empty(t, c.Problems())
	same := 0
	c.Keys(i18n.VI, func(key, text string) {
		if text == c.T(i18n.EN, key) {
			same++
		}
	})
	require.Less(t, same, 25, "texts that are the same in both languages")
}
