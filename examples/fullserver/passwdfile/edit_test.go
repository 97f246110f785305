package passwdfile_test

import (
	"os"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/stretchr/testify/require"
)

const edited = "# the staff\nlan@an.test:{PLAIN}x:5000:5000::/home/lan::userdb_quota_rule=*:storage=1G nologin=n\n\nHoa:{PLAIN}y\nminh@binh.test:{PLAIN}z"

func TestEdit(t *testing.T) {
	text := passwdfile.NewText([]byte(edited), "an.test")
	require.Equal(t, edited, string(text.Bytes()))
	require.EqualValues(t, 2, text.InDomain("an.test"))
	require.ErrorIs(t, text.Add("LAN@AN.test", "{PLAIN}q"), passwdfile.ErrExists)
	require.ErrorIs(t, text.Add("hoa@an.test", "{PLAIN}q"), passwdfile.ErrExists, "hoa without a domain is she")
	require.NoError(t, text.Add("New@an.test", "{PLAIN}q"))
	require.NoError(t, text.SetPassword("hoa@an.test", "{PLAIN}other"))
	require.NoError(t, text.SetExtra("hoa@an.test", "userdb_quota_rule", "*:storage=2G"))
	require.NoError(t, text.SetExtra("lan@an.test", "userdb_quota_rule", ""))
	require.NoError(t, text.Delete("minh@binh.test"))
	require.ErrorIs(t, text.Delete("minh@binh.test"), passwdfile.ErrNoUser)
	require.ErrorIs(t, text.SetPassword("minh@binh.test", "x"), passwdfile.ErrNoUser)
	require.Equal(t, "# the staff\nlan@an.test:{PLAIN}x:5000:5000::/home/lan::nologin=n\n\nHoa:{PLAIN}other::::::userdb_quota_rule=*:storage=2G\nnew@an.test:{PLAIN}q\n", string(text.Bytes()))
	require.NoError(t, text.SetExtra("hoa@an.test", "userdb_quota_rule", ""))
	require.Contains(t, string(text.Bytes()), "\nHoa:{PLAIN}other::::::\n", "fields that stood there stay")
}

// Nothing that is put into a line can be more than was meant.
func TestEditIsConfined(t *testing.T) {
	text := passwdfile.NewText([]byte(edited), "an.test")
	for _, name := range []string{"x\ny@an.test", "x:y@an.test", "#x@an.test", "x y@an.test", "../x@an.test", "@an.test", "x@", ""} {
		require.Error(t, text.Add(name, "{PLAIN}q"), name)
	}
	for _, secret := range []string{"{PLAIN}a\nroot@an.test:{PLAIN}b", "{PLAIN}a:0:0", "a b"} {
		require.Error(t, text.Add("new@an.test", secret), secret)
		require.Error(t, text.SetPassword("lan@an.test", secret), secret)
	}
	for _, value := range []string{"1 nologin", "a\nb", "\t"} {
		require.Error(t, text.SetExtra("lan@an.test", "userdb_quota_rule", value), value)
	}
	require.Equal(t, edited, string(text.Bytes()))
}

// FuzzEdit: what is refused changes nothing; what isn't changes one user's line, and the file can be read as before.
func FuzzEdit(f *testing.F) {
	f.Add(edited, "new@an.test", "{PLAIN}x")
	f.Add("", "a", "")
	f.Add("x:y", "a:b", "c\nd")
	f.Add("x:y\r\n#", "X", "{PLAIN}")
	f.Fuzz(func(t *testing.T, file, user, secret string) {
		dir := t.TempDir() + "/users"
		open := func(b []byte) (*passwdfile.File, error) {
			require.NoError(t, os.WriteFile(dir, b, 0o600))
			return passwdfile.Open(dir, passwdfile.Options{Domain: "an.test"})
		}
		before, err := open([]byte(file))
		if err != nil || strings.Contains(file, "\r") {
			return
		}
		n := len(before.Users())
		text := passwdfile.NewText([]byte(file), "an.test")
		if err := text.Add(user, secret); err != nil {
			require.Equal(t, file, string(text.Bytes()))
			return
		}
		after, err := open(text.Bytes())
		require.NoError(t, err)
		require.Len(t, after.Users(), n+1)
		_, ok := after.Lookup(user)
		require.True(t, ok)
		require.NoError(t, text.Delete(user))
		require.Equal(t, strings.TrimSuffix(file, "\n"), strings.TrimSuffix(string(text.Bytes()), "\n"))
	})
}
