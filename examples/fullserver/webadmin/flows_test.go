package webadmin_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/auth/totp"
	"github.com/buuta/mail/examples/fullserver/accounts"
)

// What an administrator does with users, aliases and domains; what can't be is said and changes nothing.
func TestUsers(t *testing.T) {
	s := newFixture(t).login("lan@an.example")
	s.get("/admin/users?domain=an.example&q=ho")
	require.Contains(t, s.page, "hoa@an.example")
	require.NotContains(t, s.page, ">lan@an.example</a>")
	for _, bad := range [][]string{{"name", "x", "password", "short", "again", "short"}, {"name", "x", "password", "longenough", "again", "otherwise"}, {"name", "a b", "password", "longenough", "again", "longenough"},
		{"name", "hoa", "password", "longenough", "again", "longenough"}, {"name", "root@an.example", "password", "longenough", "again", "longenough"}} {
		s.get("/admin/users?domain=an.example")
		s.post("/admin/user/add", append(bad, "domain", "an.example")...)
		require.GreaterOrEqual(t, s.code, 400, bad)
		require.Contains(t, s.page, "Nothing was changed.")
		s.unchanged(fmt.Sprint(bad))
	}
	s.get("/admin/users?domain=an.example")
	s.post("/admin/user/add", "name", "New", "domain", "an.example", "password", "longenough", "again", "longenough", "quota", "*:storage=5M")
	require.Equal(t, http.StatusOK, s.code, s.page)
	require.Contains(t, s.url, "/admin/user?name=new%40an.example")
	require.Contains(t, s.page, `value="*:storage=5M"`)
	require.NotContains(t, s.page, "longenough")

	// Two at once: the second is told, and nothing of the first is lost.
	version := s.value("version")
	s.post("/admin/user/quota", "name", "new@an.example", "version", version, "quota", "*:storage=6M")
	require.Equal(t, http.StatusOK, s.code)
	s.post("/admin/user/quota", "name", "new@an.example", "version", version, "quota", "*:storage=7M")
	require.Equal(t, http.StatusConflict, s.code)
	require.Contains(t, s.read("users"), "userdb_quota_rule=*:storage=6M")
	s.get("/admin/user?name=new@an.example")
	s.post("/admin/user/quota", "name", "new@an.example", "version", s.value("version"), "quota", "lots")
	require.Equal(t, http.StatusUnprocessableEntity, s.code)
	require.Contains(t, s.page, "must begin with *: and a limit")

	s.get("/admin/user?name=new@an.example")
	s.post("/admin/user/delete", "name", "new@an.example", "version", s.value("version"))
	require.Contains(t, s.page, `name="sure" value="yes"`, "it is asked first")
	require.Contains(t, s.read("users"), "new@an.example:")
	s.post("/admin/user/delete", "name", "new@an.example", "version", s.value("version"), "sure", "yes")
	require.Equal(t, "/admin/users?domain=an.example&done=deleted", s.url)
	s.unchanged("after all")

	s.get("/admin/aliases?domain=an.example")
	s.post("/admin/alias/set", "domain", "an.example", "address", "all", "to", "lan@an.example\r\nhoa@an.example")
	require.Contains(t, s.read("aliases"), "all@an.example    lan@an.example, hoa@an.example\n")
	s.get("/admin/alias?address=all@an.example")
	s.post("/admin/alias/set", "address", "all@an.example", "version", s.value("version"), "to", "|rm -rf /")
	require.Equal(t, http.StatusUnprocessableEntity, s.code)
	s.get("/admin/user?name=hoa@an.example")
	require.Contains(t, s.page, "all@an.example")
	s.get("/admin/alias?address=@an.example")
	s.post("/admin/alias/set", "address", "@an.example", "to", "hoa@an.example")
	require.Contains(t, s.page, `name="sure"`)
	s.post("/admin/alias/set", "address", "@an.example", "to", "hoa@an.example", "sure", "yes")
	require.Equal(t, http.StatusForbidden, s.code, "root gets mail there, and is above lan")
	s.get("/?")
	s.post("/admin/lang", "lang", "vi", "next", "/admin/users")
	require.Contains(t, s.page, "Người dùng mới")
}

func (f *fixture) upload(do, text string, fields ...string) string {
	f.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		require.NoError(f, w.WriteField(fields[i], fields[i+1]))
	}
	require.NoError(f, w.WriteField("token", tokenForm.FindStringSubmatch(f.page)[1]))
	require.NoError(f, w.WriteField("do", do))
	part, err := w.CreateFormFile("file", "users.csv")
	require.NoError(f, err)
	_, _ = part.Write([]byte(text))
	require.NoError(f, w.Close())
	req, err := http.NewRequest("POST", f.base+"/admin/import", &b)
	require.NoError(f, err)
	req.Header.Set("Content-Type", w.FormDataContentType())
	return f.do(req)
}

// A file of users is looked at first; then all of them are added, or none.
func TestImport(t *testing.T) {
	s := newFixture(t).login("root@an.example")
	s.get("/admin/import")
	s.upload("check", "\ufeffaddress,password,quota\nx@binh.example,longenough,*:storage=1G\nminh@binh.example,longenough,\nx@binh.example,longenough,\ny@far.example,longenough,\nz@binh.example,,\n\"<b>@binh.example\",longenough,*:nonsense\n")
	require.Equal(t, http.StatusUnprocessableEntity, s.code)
	for _, want := range []string{"is added", "There is a user of that name", "it stands in line 2, too", "no domain with mailboxes here", "it needs a password", "is no limit"} {
		require.Contains(t, s.page, want)
	}
	require.NotContains(t, s.page, "longenough")
	s.upload("import", "address,password\nx@binh.example,longenough\nminh@binh.example,longenough\n")
	require.Equal(t, http.StatusUnprocessableEntity, s.code)
	s.upload("import", "address\nx@binh.example\n")
	require.Contains(t, s.page, "there is no password")
	s.upload("import", "address,password\n1@an.example,longenough\n2@an.example,longenough\n3@an.example,longenough\n4@an.example,longenough\n")
	require.Contains(t, s.page, "may have 6")
	s.unchanged("wrong files")
	good := "Address,Password,Quota\nx@binh.example,longenough,*:storage=1G\n=y@binh.example,longenough,\n"
	s.upload("check", good)
	require.Equal(t, http.StatusOK, s.code, s.page)
	s.unchanged("a look")
	s.upload("import", good)
	require.Equal(t, "/admin/users?done=imported", s.url, s.page)
	require.Regexp(t, `x@binh\.example:\{SHA512-CRYPT\}[^:]+::::::userdb_quota_rule=\*:storage=1G\n=y@binh\.example:\{`, s.read("users"))
	s.get("/admin/users.csv?domain=binh.example")
	require.Contains(t, s.head.Get("Content-Disposition"), "attachment")
	require.Equal(t, "address,quota,disabled\nminh@binh.example,,no\nchi@binh.example,,no\nx@binh.example,*:storage=1G,no\n'=y@binh.example,,no\n", s.page)
}

// What can't be taken back needs the password once the log-in is five minutes old; wrong ones are slowed down like log-ins; whose password is another is out.
func TestProof(t *testing.T) {
	s := newFixture(t).login("lan@an.example")
	s.late.Store(int64(6 * time.Minute))
	s.get("/admin/user?name=hoa@an.example")
	version := s.value("version")
	require.Contains(t, s.page, `name="proof"`)
	try := func(proof string) int {
		s.post("/admin/user/delete", "name", "hoa@an.example", "version", version, "sure", "yes", "proof", proof)
		return s.code
	}
	require.Equal(t, http.StatusForbidden, try(""))
	require.Equal(t, http.StatusForbidden, try("wrong"))
	s.post("/admin/user/password", "name", "hoa@an.example", "version", version, "password", "longenough", "again", "longenough")
	require.Equal(t, http.StatusForbidden, s.code)
	s.unchanged("without proof")
	s.get("/admin/user?name=hoa@an.example")
	require.Equal(t, http.StatusOK, try("lansecret"))
	require.NotContains(t, s.read("users"), "hoa@")
	s.get("/admin/user?name=lan@an.example")
	require.NotContains(t, s.page, `name="proof"`, "for five minutes")
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "users"), []byte(strings.Replace(files["users"], "lansecret", "othersecret", 1)), 0o600))
	s.get("/admin/users")
	require.Contains(t, s.url, "/admin/login", "a session ends with the password that began it")

	s.login("root@an.example")
	s.late.Store(int64(37 * time.Minute))
	s.get("/admin/users")
	require.Contains(t, s.url, "/admin/login", "half an hour of doing nothing ends it")
	s.http = s.browser()
	s.get("/admin/login")
	for i := range 9 {
		s.get("/admin/login")
		s.post("/admin/login", "user", "root@an.example", "password", fmt.Sprint("guess", i))
	}
	require.Equal(t, http.StatusTooManyRequests, s.code)
}

// Who has a second factor gives its code at the log-in and with each proof, and each code is good once.
func TestCodes(t *testing.T) {
	s := newFixture(t, "auth_totp=yes")
	k := totp.NewKey()
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "users"), []byte("root@an.example:{PLAIN}rootsecret::::::totp="+k.String()+"\n"), 0o600))
	s.get("/admin/login")
	s.post("/admin/login", "user", "root@an.example", "password", "rootsecret")
	require.Equal(t, http.StatusUnauthorized, s.code)
	require.Contains(t, s.page, `name="code"`)
	s.post("/admin/login", "user", "root@an.example", "password", "rootsecret", "code", "000000")
	require.Equal(t, http.StatusUnauthorized, s.code)
	code, line := accounts.MakeRecoveryCode("root@an.example", time.Now())
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "recovery-codes"), []byte(line+"\n"), 0o600))
	s.post("/admin/login", "user", "root@an.example", "password", "rootsecret", "code", code)
	require.Equal(t, "/admin/", s.url, s.page)
	s.http = s.browser()
	s.get("/admin/login")
	s.post("/admin/login", "user", "root@an.example", "password", "rootsecret", "code", code)
	require.Equal(t, http.StatusUnauthorized, s.code, "it was used")
}
