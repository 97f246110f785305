package foldername

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNested(t *testing.T) {
	n := Naming{Nested: true}
	for name, folder := range map[string]string{
		"Sent": "Sent", "Lists/foo": "Lists/foo", "a.b/c": "a.b/c", "Việt/x": "Vi&Hsc-t/x", "INBOX/new": `INBOX/\6eew`, "cur/curry": `\63ur/curry`,
		"dovecot-uidlist": `\64ovecot-uidlist`, "buuta.index.log": `\62uuta.index.log`, `a\b`: `a\b`, `a\2eb`: `a\5c2eb`, `\6eew`: `\5c6eew`, `\\41`: `\\5c41`,
		"..DOVECOT-TRASHED": `\2e.DOVECOT-TRASHED`, "maildirsize": `\6daildirsize`, "a&b": "a&-b",
	} {
		require.Equal(t, folder, n.Folder(name))
		got, ok := n.Name(folder)
		require.True(t, ok, folder)
		require.Equal(t, name, got)
	}
	for _, folder := range []string{"", "a//b", "/a", "cur", "a/new", "tmp/a", "dovecot.index.log", "..DOVECOT-TRASHED", `a\2fb`} {
		_, ok := n.Name(folder)
		require.False(t, ok, folder)
	}
}

func FuzzNaming(f *testing.F) {
	for _, s := range []string{"Sent", "a/b.c", `x\2e`, "Việt", "new/cur", "&AC4-", `\6eew`, "..DOVECOT-TRASHED"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		in = strings.ToValidUTF8(in, "?")
		for _, level := range strings.Split(in, "/") {
			if level == "" {
				return
			}
		}
		for _, n := range []Naming{{}, {UTF8: true}, {Nested: true}, {Nested: true, UTF8: true}} {
			folder := n.Folder(in)
			back, ok := n.Name(folder)
			require.True(t, ok)
			require.Equal(t, in, back)
			if n.Nested {
				require.Equal(t, strings.Count(in, "/"), strings.Count(folder, "/"))
			} else {
				require.NotContains(t, folder, "/")
			}
		}
	})
}
