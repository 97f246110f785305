package webmail_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// luminance is that of a colour "#rgb" or "#rrggbb", as WCAG 2.2 defines relative luminance.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	hex = strings.TrimPrefix(hex, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// "The visual presentation of text […] has a contrast ratio of at least 4.5:1" (WCAG 2.2, 1.4.3), what shows where a control is 3:1 (1.4.11), in the light and
// in the dark.
func TestContrast(t *testing.T) {
	css, err := os.ReadFile("static/app.css")
	require.NoError(t, err)
	roots := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(css), -1)
	require.Len(t, roots, 2)
	for _, root := range roots {
		colour := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]+);`).FindAllStringSubmatch(root[1], -1) {
			colour[m[1]] = m[2]
		}
		ratio := func(a, b string) float64 {
			t.Helper()
			require.NotEmpty(t, colour[a], a)
			require.NotEmpty(t, colour[b], b)
			x, y := luminance(t, colour[a]), luminance(t, colour[b])
			return (max(x, y) + 0.05) / (min(x, y) + 0.05)
		}
		for text, grounds := range map[string]string{"text": "back paper chosen hover notice bad", "dim": "back paper chosen hover notice", "link": "back paper chosen hover notice",
			"on-accent": "accent", "accent": "paper", "paper": "text", "star": "paper"} {
			for ground := range strings.FieldsSeq(grounds) {
				require.GreaterOrEqual(t, ratio(text, ground), 4.5, "%s on %s", text, ground)
			}
		}
		for _, ground := range []string{"paper", "back", "hover"} {
			require.GreaterOrEqual(t, ratio("edge", ground), 2.99, "edge on %s", ground)
		}
	}
}
