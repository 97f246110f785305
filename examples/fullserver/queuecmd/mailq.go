package queuecmd

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/getopt"
	"github.com/buuta/mail/examples/fullserver/maillog"
	"github.com/buuta/mail/queue"
)

// mailq is "mailq", which is "postqueue -p".
func mailq(ctx context.Context, e *Env, args []string) error {
	if _, rest, err := (getopt.Flags{With: "C", Without: "v"}).Parse(args); err != nil || len(rest) > 0 {
		return usage("mailq")
	}
	return e.list(ctx)
}

// list prints the queue for people.
func (e *Env) list(ctx context.Context) error {
	w := bufio.NewWriter(e.Stdout)
	var size int64
	count := 0
	for m, err := range e.Queue.List(ctx, queue.Filter{}) {
		if err != nil {
			return err
		}
		if m.Message == nil {
			continue // a damaged file, which Postfix doesn't list either
		}
		long := longID(m.ID)
		if count == 0 {
			w.WriteString(heading(long))
		}
		count++
		size += m.Size
		writeEntry(w, &m, long)
	}
	if count == 0 {
		w.WriteString("Mail queue is empty\n")
		return w.Flush()
	}
	plural := "s"
	if count == 1 {
		plural = ""
	}
	fmt.Fprintf(w, "-- %d Kbytes in %d Request%s.\n", size/1024, count, plural)
	return w.Flush()
}

// longID reports whether an ID is one of Postfix's long ones, for which the table is wider.
func longID(id string) bool { return len(id) > 11 || strings.ContainsAny(id, "z") }

func heading(long bool) string {
	if long {
		return fmt.Sprintf("%-17s %8s %-19s %s\n", "----Queue ID-----", "--Size--", "---Arrival Time----", "--Sender/Recipient------")
	}
	return fmt.Sprintf("%-11s %8s %-20s %s\n", "-Queue ID-", "--Size--", "----Arrival Time----", "-Sender/Recipient-------")
}

func writeEntry(w *bufio.Writer, m *queue.Entry, long bool) {
	id, from := m.ID, oneLine(m.From)
	switch {
	case m.Message.Order.Expire:
		id += "#"
	case m.State == queue.Active:
		id += "*"
	case m.State == queue.Held:
		id += "!"
	}
	if from == "" {
		from = "MAILER-DAEMON"
	}
	at := m.Arrived.Local().Format("Mon Jan _2 15:04:05")
	indent := 40
	if long {
		indent = 46
		fmt.Fprintf(w, "%-17s %8d %s %s\n", id, m.Size, at, from)
	} else {
		fmt.Fprintf(w, "%-11s %7d %s  %s\n", id, m.Size, at, from)
	}
	was := ""
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.State != queue.Pending {
			continue
		}
		if why := reason(r); why != was {
			if why != "" {
				fmt.Fprintf(w, "%*s(%s)\n", max(76-len(why), 0), "", why)
			}
			was = why
		}
		fmt.Fprintf(w, "%*s %s\n", indent, "", oneLine(r.Address))
	}
	w.WriteByte('\n')
}

// reason is why a recipient still waits.
func reason(r *queue.Recipient) string {
	if r.Last.Detail != "" {
		return oneLine(r.Last.Detail)
	}
	if r.Last.Reply == nil {
		return ""
	}
	return oneLine(r.Last.Reply.String())
}

// oneLine keeps a text from making lines or moving the cursor.
func oneLine(s string) string { return string(maillog.AppendClean(nil, s)) }
