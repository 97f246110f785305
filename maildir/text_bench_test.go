package maildir_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
)

// corpus makes mail of 4 to 8 KiB: header fields as they come through two servers, plain text or HTML and text, words of a vocabulary of 30,000
// by Zipf's law, every fourth message Vietnamese.
type corpus struct {
	rnd        *rand.Rand
	words, vns []string
	zipf       *rand.Zipf
}

func newCorpus() *corpus {
	c := &corpus{rnd: rand.New(rand.NewPCG(1, 2))}
	onset := strings.Fields("b c d f g h j k l m n p r s t v w st tr pl br gr ch sh th cl pr sp")
	vowel := strings.Fields("a e i o u ea ou ai ee io")
	coda := strings.Fields("n r s t l d m ng ck st nt x ry tion ment ing ed er")
	for range 30000 {
		var b strings.Builder
		for range 1 + c.rnd.IntN(3) {
			b.WriteString(onset[c.rnd.IntN(len(onset))] + vowel[c.rnd.IntN(len(vowel))])
		}
		c.words = append(c.words, b.String()+coda[c.rnd.IntN(len(coda))])
	}
	c.vns = strings.Fields("hóa đơn tháng này kính gửi quý khách hàng xin chào bạn đề nghị thanh toán hợp đồng báo giá công ty trách nhiệm hữu hạn Việt Nam thành phố Hà Nội cảm ơn trân trọng thư gửi ngày mai họp dự án tiến độ chúng tôi được không phải những người việc làm đã và của là có cho với một trong các")
	c.zipf = rand.NewZipf(c.rnd, 1.1, 8, uint64(len(c.words)-1))
	return c
}

func (c *corpus) text(size int, vietnamese bool) string {
	var b strings.Builder
	line := 0
	for b.Len() < size {
		w := c.words[c.zipf.Uint64()]
		if vietnamese && c.rnd.IntN(4) > 0 {
			w = c.vns[c.rnd.IntN(len(c.vns))]
		}
		b.WriteString(w)
		if line += len(w) + 1; line > 70 {
			b.WriteString("\r\n")
			line = 0
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String() + "\r\n"
}

func (c *corpus) message(n int) string {
	vietnamese := n%4 == 0
	var b strings.Builder
	for hop := range 2 {
		fmt.Fprintf(&b, "Received: from mx%d.example.net (mx%d.example.net [192.0.2.%d])\r\n\tby mail.example.org (Postfix) with ESMTPS id %016X\r\n\tfor <user@example.org>; Mon, 2 Mar 2026 10:%02d:%02d +0700 (+07)\r\n",
			hop, hop, c.rnd.IntN(255), c.rnd.Uint64(), c.rnd.IntN(60), c.rnd.IntN(60))
	}
	sign := make([]byte, 256)
	for i := range sign {
		sign[i] = byte(c.rnd.Uint32())
	}
	fmt.Fprintf(&b, "DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=s1; h=from:to:subject:date;\r\n\tb=%s\r\n", base64.StdEncoding.EncodeToString(sign))
	subject := strings.ReplaceAll(c.text(40, vietnamese), "\r\n", "")
	fmt.Fprintf(&b, "Message-ID: <%x.%d@example.net>\r\nDate: Mon, 2 Mar 2026 10:00:00 +0700\r\nFrom: Sender Number %d <sender%d@example.net>\r\nTo: User <user@example.org>\r\nSubject: =?utf-8?b?%s?=\r\nMIME-Version: 1.0\r\n",
		c.rnd.Uint64(), n, n%500, n%500, base64.StdEncoding.EncodeToString([]byte(subject)))
	size := 2500 + c.rnd.IntN(4000)
	if n%3 > 0 {
		fmt.Fprintf(&b, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s", c.text(size, vietnamese))
		return b.String()
	}
	fmt.Fprintf(&b, "Content-Type: multipart/alternative; boundary=\"=_b\"\r\n\r\n--=_b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n--=_b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p style=\"margin:0\">%s</p></body></html>\r\n--=_b--\r\n",
		c.text(size/2, vietnamese), strings.ReplaceAll(c.text(size/2, vietnamese), "\r\n", "<br>\r\n"))
	return b.String()
}

// BenchmarkSearchText searches a mailbox whose texts are cached: for a word that one message has, one that some have, a phrase of common
// words that none has, two letters, which no filter helps with, in a field. "build" is the first search, reading
// every message. BUUTA_TEXT_MESSAGES sets how many messages.
func BenchmarkSearchText(b *testing.B) {
	n := 20000
	if s := os.Getenv("BUUTA_TEXT_MESSAGES"); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(b, err)
	}
	dir := b.TempDir()
	m := textBox(b, &maildir.Store{Path: dir, NoSync: true})
	c := newCorpus()
	var size int64
	for i := 0; i < n; {
		a, err := m.Append(b.Context())
		require.NoError(b, err)
		for range min(1000, n-i) {
			s := c.message(i)
			if i == n/3+1 {
				s += "A zebra crossing.\r\n"
			}
			size += int64(len(s))
			require.NoError(b, a.Add(b.Context(), strings.NewReader(s), nil))
			i++
		}
		_, err = a.Commit(b.Context())
		require.NoError(b, err)
	}
	b.Run("build", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, name := range []string{"/buuta.text", "/buuta.text.index"} {
				os.Remove(dir + name)
			}
			findText(b, m, "zebra crossing")
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		for _, name := range []string{"buuta.text", "buuta.text.index"} {
			info, err := os.Stat(dir + "/" + name)
			require.NoError(b, err)
			b.ReportMetric(float64(info.Size())/float64(n), name+"-B/message")
		}
		b.ReportMetric(float64(size)/float64(n), "B/message")
		runtime.GC()
	})
	for _, q := range []mail.TextQuery{
		{In: mail.InText, Text: "zebra crossing"},
		{In: mail.InText, Text: c.words[15000]},
		{In: mail.InText, Text: "hóa đơn"},
		{In: mail.InBody, Text: c.words[0] + " " + c.words[1] + " " + c.words[2]},
		{In: mail.InText, Text: "zq"},
		{In: mail.InHeader, Field: "Subject", Text: c.words[9000]},
		{In: mail.InHeader, Field: "From", Text: "sender77@"},
		{In: mail.InText, Text: "corssing zebra", Fuzzy: true},
	} {
		name := fmt.Sprintf("%d-%s", q.In, strings.ReplaceAll(q.Text, " ", "-"))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			found := 0
			for b.Loop() {
				got, err := m.(mail.TextSearcher).SearchText(b.Context(), mail.AllUIDs(), q)
				require.NoError(b, err)
				found = got.Count()
			}
			b.ReportMetric(float64(found), "found")
		})
	}
}
