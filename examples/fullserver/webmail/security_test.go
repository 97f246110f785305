package webmail_test

import (
	"context"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

// someWays is a user who has a second factor or hasn't, and one app password.
type someWays struct{ has bool }

func (w *someWays) SecondFactor(context.Context, string) (has, given bool, codes int, err error) {
	return w.has, false, 7, nil
}
func (*someWays) NewKey(ctx context.Context, user string) (key, uri string, err error) {
	return "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "otpauth://totp/example.test:alice@example.test?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=example.test&algorithm=SHA1&digits=6&period=30", nil
}
func (w *someWays) KeyURI(ctx context.Context, user, key string) (string, error) {
	_, uri, err := w.NewKey(ctx, user)
	return uri, err
}
func (w *someWays) SetKey(ctx context.Context, user, _, _ string) ([]string, error) {
	w.has = true
	return w.NewCodes(ctx, user)
}
func (w *someWays) RemoveKey(context.Context, string) error { w.has = false; return nil }
func (*someWays) NewCodes(context.Context, string) ([]string, error) {
	return []string{"abcd-efgh-ijkm-nopq", "rstu-vwxy-z234-5679", "2345-abcd-abcd-efgh", "qrst-uvwx-abcd-efgh"}, nil
}
func (*someWays) Scopes() []string { return []string{"smtp", "imap", "pop3"} }
func (*someWays) AppPasswords(context.Context, string) ([]webmail.AppPassword, error) {
	return []webmail.AppPassword{{ID: "1", Label: "Điện thoại", Scopes: []string{"imap", "smtp"}, Made: "2026-03-02"}}, nil
}
func (*someWays) AddApp(context.Context, string, string, []string) (string, error) {
	return "abcdef-ghijkm-nopqrs-tuvwxy", nil
}
func (*someWays) RemoveApp(context.Context, string, string) error { return nil }
