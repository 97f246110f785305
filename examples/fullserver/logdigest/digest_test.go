package logdigest_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/logdigest"
)

// What comes is counted as it comes, over the log's rotation and the turn of the year; what a stranger puts into a line makes no other of it.
func TestDigest(t *testing.T) {
	file := t.TempDir() + "/mail.log"
	now := time.Date(2026, 1, 1, 0, 30, 0, 0, time.Local)
	d := &logdigest.Digest{File: file, Now: func() time.Time { return now }}
	v, err := d.Read(t.Context())
	require.NoError(t, err, "there is none yet")
	require.Len(t, v.Hours, 24)
	write := func(lines ...string) {
		f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		_, err = f.WriteString(strings.Join(lines, ""))
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	write("Dec 29 10:00:00 h postfix/smtpd[1]: 4AAAAAAA: client=a[192.0.2.1]\n", // too old
		"Dec 31 23:59:59 h postfix/smtpd[1]: 4AAAAAAB: client=a[192.0.2.1]\n",
		"Jan  1 00:00:01 h postfix/smtpd[1]: 4AAAAAAC: client=a[192.0.2.1]\n",
		"Jan  1 00:00:02 h postfix/smtp[1]: 4AAAAAAC: to=<x@y.example>, relay=z, delay=1, delays=0/0/0/0, dsn=2.0.0, status=sent (250 status=bounced)\n",
		"Jan  1 00:00:03 h postfix/smtp[1]: 4AAAAAAB: to=<x@y.example>, relay=z, delay=1, delays=0/0/0/0, dsn=4.0.0, status=deferred (no)\n",
		"Jan  1 00:00:04 h postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.9]: 554 no; helo=<warning: fatal: x>\n",
		"Jan  1 00:00:05 h fullserver/admin[1]: root from 192.0.2.1: user del x\n",
		"Jan  1 00:00:06 h postfix/smtpd[1]: warning: certificate /x (y) expires in 7 days\n",
		"Jan  1 00:00:07 h postfix/smtpd[1]: warning: x[192.0.2.1]: SASL PLAIN authentication failed: x\n",
		"Jan  1 00:00:08 h postfix/qmgr[1]: warning: write: no space left on device\n",
		"Jan  1 00:00:09 h postfix/master[1]: fa")
	v, err = d.Read(t.Context())
	require.NoError(t, err)
	last := v.Hours[23]
	last.Start = time.Time{}
	require.Equal(t, logdigest.Hour{Received: 1, Delivered: 1, Deferred: 1, Refused: 1}, last)
	require.Equal(t, 1, v.Hours[22].Received)
	require.Equal(t, "root from 192.0.2.1: user del x", v.Audit[0].Text)
	kinds := func() (out []logdigest.Kind) {
		for _, p := range v.Problems {
			out = append(out, p.Kind)
		}
		return out
	}
	require.Equal(t, []logdigest.Kind{logdigest.Disk, logdigest.Certificate, logdigest.Unreachable}, kinds())
	write("tal: it stopped\n")
	require.NoError(t, os.Rename(file, file+".1"))
	write("Jan  1 00:10:00 h fullserver/acme[1]: warning: no certificate\n")
	v, err = d.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, logdigest.ACME, v.Problems[0].Kind)
	now = now.Add(25 * time.Hour)
	v, err = d.Read(t.Context())
	require.NoError(t, err)
	require.Empty(t, v.Problems)
	require.Zero(t, v.Hours[23].Received)
}
