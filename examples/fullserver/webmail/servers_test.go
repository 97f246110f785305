package webmail_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/internal/peers"
)

// TestOtherServers does on Debian's Dovecot, Cyrus and Courier what it does on our own: every flow that changes something.
func TestOtherServers(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *peers.Server{
		"Dovecot": func(t *testing.T) *peers.Server {
			return peers.Dovecot(t, "imap_metadata = yes\nmail_attribute_dict = file:%h/attributes\n")
		},
		"Cyrus":   func(t *testing.T) *peers.Server { return peers.Cyrus(t) },
		"Courier": func(t *testing.T) *peers.Server { return peers.Courier(t) },
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("-short")
			}
			s := start(t)
			cred := &mail.Credentials{Username: "user1", Password: peers.Password, AllowPlaintext: true}
			opts := imapclient.Options{TLS: imapclient.TLSNone, Auth: cred}
			f := newFixture(t, func(c *webmail.Config) { c.IMAP, c.IMAPOptions = s.IMAP, opts })
			f.smtp.Config.Authenticator = imaptest.Users{"user1": peers.Password}
			c, err := imapclient.Dial(t.Context(), s.IMAP, &opts)
			require.NoError(t, err)
			defer c.Close()
			for i := range 60 {
				_, err := c.Append(t.Context(), "INBOX", imapclient.NewDraft([]byte(strings.ReplaceAll(message(i+1), "\n", "\r\n"))))
				require.NoError(t, err)
			}
			f.get("/login")
			f.submit("/login", "user", "user1", "password", "wrong")
			require.Equal(t, http.StatusUnauthorized, f.code)
			f.submit("/login", "user", "user1", "password", peers.Password)
			require.Contains(t, f.page, "1–50 of 60", f.page)
			f.get("/mail/INBOX?p=2")
			require.Contains(t, f.page, "51–60 of 60")
			f.get("/mail/INBOX/60")
			require.Contains(t, f.page, "Hi number 60")
			f.submit("/mail/INBOX/act", "do", "star", "uid", "60")
			require.Contains(t, f.page, "1 message starred")
			undoes := c.Has("UIDPLUS")
			for i, do := range []string{"archive", "delete", "spam"} {
				f.get("/mail/INBOX")
				f.submit("/mail/INBOX/act", "do", do, "uid", fmt.Sprint(50+i))
				require.Equal(t, http.StatusOK, f.code, f.page)
				if undoes {
					f.submit("/undo")
					require.Contains(t, f.page, "Undone")
					require.Contains(t, f.page, "of 60")
				}
			}
			f.get("/folders")
			f.submit("/folders", "do", "create", "to", "Dự án")
			require.Equal(t, http.StatusOK, f.code, f.page)
			require.Contains(t, f.page, "Dự án")
			folder := ""
			for _, form := range f.forms() {
				if strings.HasSuffix(form.values.Get("folder"), "Dự án") && form.action == "/folders" {
					folder = form.values.Get("folder")
					form.values.Set("do", "rename")
					form.values.Set("to", "Việc")
					f.post("/folders", form.values)
					break
				}
			}
			require.Contains(t, f.page, "Việc")
			folder = strings.Replace(folder, "Dự án", "Việc", 1)
			f.get("/mail/INBOX")
			f.submit("/mail/INBOX/act", "do", "move", "to", folder, "uid", "10")
			require.Contains(t, f.page, "1 message moved to")
			f.get("/search?subject=Hello+10")
			require.Contains(t, f.page, "1 message found")
			f.get("/search?body=number+20&in=INBOX")
			require.Contains(t, f.page, "1 message found")

			f.get("/compose?mode=reply&folder=INBOX&uid=60")
			f.upload("/compose", "Tệp.txt", "text/plain", "file", "do", "attach", "body", "Cảm ơn", "cc", "not yet")
			require.Contains(t, f.page, "Draft saved", f.page)
			require.Contains(t, f.page, `value="not yet"`)
			f.submit("/compose", "do", "save", "cc", "carol@example.test")
			require.Contains(t, f.page, "Draft saved")
			f.submit("/compose", "do", "send")
			require.Contains(t, f.page, "Message sent", f.page)
			m := parse(t, string(f.smtp.Messages()[0].Data))
			require.Equal(t, "Tệp.txt", m.Attachments[0].Filename)
			require.Contains(t, m.Text, "> Hi number 60")
			f.get("/contacts")
			f.upload("/contacts/import", "people.vcf", "text/vcard", card)
			require.Contains(t, f.page, "2 contacts added", f.page)
			f.get("/mail/INBOX/60")
			f.submit("/contacts/add")
			require.Contains(t, f.page, "Contact saved")
			if name == "Dovecot" { // they lie there, for another webmail too
				list, err := c.Metadata(t.Context(), imap.GetMetadata{Entries: []string{"/private/vendor/buuta/contacts"}, Depth: imap.DepthOne})
				require.NoError(t, err)
				require.NotEmpty(t, list)
			}
			require.Contains(t, f.get("/contacts/suggest?q=caro"), "carol@example.test", "who was written to")
			f.get("/settings")
			f.submit("/settings", "lang", "vi")
			require.Contains(t, f.page, "Đã lưu cài đặt")
			f.get("/mail/INBOX")
			require.Contains(t, f.page, "Hộp thư đến")
		})
	}
}
