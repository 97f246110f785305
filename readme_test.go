package mail_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocumentedCode compiles every block of Go in the README and the guides, as a program of its own in this module.
func TestDocumentedCode(t *testing.T) {
	docs, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	wd, err := os.Getwd()
	require.NoError(t, err)
	tmp := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	var pkgs []string
	for _, doc := range append(docs, "README.md") {
		b, err := os.ReadFile(doc)
		require.NoError(t, err)
		for i, block := range goBlocks(string(b)) {
			name := fmt.Sprintf("documented_%s_%d", strings.TrimSuffix(filepath.Base(doc), ".md"), i)
			file := filepath.Join(tmp, name+".go")
			require.NoError(t, os.WriteFile(file, []byte(block), 0o600))
			overlay["Replace"][filepath.Join(wd, name, "main.go")] = file
			pkgs = append(pkgs, "./"+name)
		}
	}
	require.NotEmpty(t, pkgs, "the README shows code")
	b, err := json.Marshal(overlay)
	require.NoError(t, err)
	list := filepath.Join(tmp, "overlay.json")
	require.NoError(t, os.WriteFile(list, b, 0o600))
	out, err := exec.Command("go", append([]string{"build", "-overlay", list}, pkgs...)...).CombinedOutput()
	require.NoError(t, err, string(out))
}

func goBlocks(doc string) (blocks []string) {
	for {
		_, rest, ok := strings.Cut(doc, "\n```go\n")
		if !ok {
			return blocks
		}
		block, after, _ := strings.Cut(rest, "\n```")
		blocks = append(blocks, block+"\n")
		doc = after
	}
}
