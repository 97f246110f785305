package smtp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// show prints a conversation's replies, of those with many lines the last. "" sends nothing and reads one more.
func show(srv *smtp.Server, commands ...string) {
	client, server := smtptest.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.ServeConn(context.Background(), server)
	}()
	r := bufio.NewReader(client)
	for i := -1; i < len(commands); i++ {
		if i >= 0 && commands[i] != "" {
			_, _ = io.WriteString(client, commands[i]+"\r\n")
		}
		line := "   -"
		for len(line) > 3 && line[3] == '-' {
			line, _ = r.ReadString('\n')
		}
		fmt.Println(strings.TrimSpace(line))
	}
	_ = client.Close()
	<-done
}

// perUser delivers to mailboxes of which bob's is full.
type perUser struct{}

func (perUser) Begin(context.Context, string, *mail.MailOptions) (mail.Transaction, error) {
	return &perUserTx{}, nil
}

type perUserTx struct{ to []string }

func (t *perUserTx) Recipient(_ context.Context, to string, _ *mail.RcptOptions) error {
	t.to = append(t.to, to)
	return nil
}

func (t *perUserTx) Body(_ context.Context, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func (t *perUserTx) Commit(context.Context) ([]mail.Result, error) {
	var out []mail.Result
	for _, to := range t.to {
		res := mail.Result{Recipient: to, Reply: smtp.NewReply(250, smtp.EnhancedCode{2, 0, 0}, "Ok"), ID: "4bz8tq"}
		if strings.HasPrefix(to, "bob@") {
			res = mail.Result{Recipient: to, Reply: smtp.NewReply(452, smtp.EnhancedCode{4, 2, 2}, "<"+to+"> Mailbox full")}
		}
		out = append(out, res)
	}
	return out, nil
}

func (t *perUserTx) Abort() error { return nil }
