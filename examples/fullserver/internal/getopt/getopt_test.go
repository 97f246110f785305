package getopt_test

import (
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/internal/getopt"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	flags := getopt.Flags{With: "cd", Attached: "bo", Without: "hv"}
	for words, want := range map[string]string{
		"-hv":           "h= v= |",
		"-d ID x":       "d=ID | x",
		"-dID x":        "d=ID | x",
		"-hdID":         "h= d=ID |",
		"x -h y":        "h= | x y",
		"-h -- -v":      "h= | -v",
		"-d -h":         "d=-h |",
		"-bs -b x -oi":  "b=s b= o=i | x",
		"- -h":          "h= | -",
		"-x":            "-x is not a flag",
		"-h -d":         "-d needs a value",
		"-d ID -d -- y": "d=ID d=-- | y",
	} {
		opts, rest, err := flags.Parse(strings.Fields(words))
		var got string
		if err != nil {
			got = err.Error()
		} else {
			for _, o := range opts {
				got += string(rune(o.Letter)) + "=" + o.Value + " "
			}
			got = strings.TrimSpace(got + "| " + strings.Join(rest, " "))
		}
		require.Equal(t, want, got, words)
	}
}
