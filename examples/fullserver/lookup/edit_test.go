package lookup_test

import (
	"os"
	"testing"

	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/stretchr/testify/require"
)

const editedTable = `# aliases
postmaster@an.test	lan@an.test
info@an.test    lan@an.test,
   # and
   hoa@an.test

"a b"@an.test  x@an.test
info@an.test    never@an.test`

func TestEditText(t *testing.T) {
	text := lookup.NewText([]byte(editedTable))
	require.Equal(t, editedTable, string(text.Bytes()))
	value, found := text.Get("INFO@an.test")
	require.True(t, found)
	require.Equal(t, "lan@an.test,   hoa@an.test", value)
	require.NoError(t, text.Set("Postmaster@AN.test", "hoa@an.test"))
	require.NoError(t, text.Set("info@an.test", "hoa@an.test, minh@an.test"))
	require.NoError(t, text.Set("new@an.test", "lan@an.test"))
	require.Equal(t, `# aliases
postmaster@an.test	hoa@an.test
info@an.test    hoa@an.test, minh@an.test
   # and

"a b"@an.test  x@an.test
info@an.test    never@an.test
new@an.test    lan@an.test
`, string(text.Bytes()))
	require.NoError(t, text.Delete("info@an.test"))
	require.NoError(t, text.Delete(`"a b"@an.test`))
	require.ErrorIs(t, text.Delete("info@an.test"), lookup.ErrNoEntry)
	require.Equal(t, "# aliases\npostmaster@an.test	hoa@an.test\n   # and\n\nnew@an.test    lan@an.test\n", string(text.Bytes()))
	before := string(text.Bytes())
	for _, key := range []string{"", "#x", "a b", "a\nb", "\"a", "a\tb", " a"} {
		require.Error(t, text.Set(key, "x"), key)
	}
	for _, value := range []string{"", " ", "a\nb@an.test c", "a\rb"} {
		require.Error(t, text.Set("x", value), value)
	}
	require.Equal(t, before, string(text.Bytes()))
}

// FuzzEditText: a table answers for the key that was set, and as before for every other one.
func FuzzEditText(f *testing.F) {
	f.Add(editedTable, "info@an.test", "x")
	f.Add("a b\n c\n#d\n\n e", "a", "f")
	f.Add(" stray\na b", "c", "d")
	f.Add("a", "b", "c")
	f.Fuzz(func(t *testing.T, file, key, value string) {
		name := t.TempDir() + "/table"
		open := func(b []byte) lookup.Table {
			require.NoError(t, os.WriteFile(name, b, 0o600))
			table, err := lookup.Open(t.Context(), "hash:"+name, &lookup.Options{})
			require.NoError(t, err)
			return table
		}
		text := lookup.NewText([]byte(file))
		type pair struct{ key, value string }
		var others []pair
		before := open([]byte(file))
		for k := range text.All {
			if v, ok, err := before.Find(t.Context(), k); err == nil && ok {
				others = append(others, pair{k, v})
			}
		}
		was, had := text.Get(key)
		if err := text.Set(key, value); err != nil {
			require.Equal(t, file, string(text.Bytes()))
			return
		}
		after := open(text.Bytes())
		if got, ok, err := after.Find(t.Context(), key); err == nil && ok {
			set, _ := text.Get(key)
			require.Equal(t, set, got)
		}
		for _, o := range others {
			got, ok, err := after.Find(t.Context(), o.key)
			require.NoError(t, err)
			require.True(t, ok, "%q", o.key)
			if had && got != o.value {
				require.Equal(t, was, o.value, "only the key that was set has another value: %q", o.key)
			}
		}
		require.NoError(t, text.Delete(key))
		_, found := text.Get(key)
		require.False(t, found)
	})
}
