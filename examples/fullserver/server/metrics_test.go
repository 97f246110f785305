package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// What happens on connections, to messages and in the queue is counted, under names and with units as Prometheus wants them, and what strangers say never
// becomes a label.
func TestMetrics(t *testing.T) {
	r := start(t, "metrics_listen=127.0.0.1:0", "relayhost=[127.0.0.1]:1")
	get := func(param, path string) (int, string) {
		res, err := http.Get("http://" + r.s.Addrs(param)[0].String() + path)
		require.NoError(t, err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(b)
	}
	status, text := get("http_listen", "/readyz")
	require.Equal(t, []any{200, "ok\n"}, []any{status, text})
	status, _ = get("http_listen", "/metrics")
	require.Equal(t, 404, status, "what is counted is not for everybody who asks whether we live")

	r.send("a@far.test", "alice@example.test", "Subject: x\r\n\r\nx\r\n")
	r.send("alice@example.test", "z@elsewhere.test", "Subject: x\r\n\r\nx\r\n")
	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EVIL\"} 1", "50")
	m.say("EHLO c.test", "250 ")
	m.say("MAIL FROM:<a@far.test>", "250 ")
	m.say("RCPT TO:<nobody@example.test>", "550 ")
	i := r.dial("imap_listen")
	i.until("* OK")
	i.say("a LOGIN alice wrong", "a NO")
	i.say("b LOGIN alice secret", "b OK")
	r.logged(`status=deferred`)

	want := []string{
		`mail_received_total{service="smtpd"} 2`,
		`mail_deliveries_total{status="sent",transport="virtual"} 1`,
		`mail_deliveries_total{status="deferred",transport="smtp"} 1`,
		`mail_delivery_delay_seconds_count{transport="virtual"} 1`,
		`mail_logins_total{result="failed",service="imap"} 1`,
		`mail_logins_total{result="ok",service="imap"} 1`,
		`mail_rejected_total{code="550",command="RCPT",service="smtpd"} 1`,
		`mail_connections_total{service="smtpd"} 3`,
		`mail_connections{service="smtpd"} 1`,
		`mail_queue_messages{state="deferred"} 1`,
	}
	require.Eventually(t, func() bool {
		_, out, _ := strings.Cut(r.mailq(), "-")
		return strings.Contains(out, "(connect to 127.0.0.1[127.0.0.1]:1: Connection refused)")
	}, 20*time.Second, 20*time.Millisecond)
	_, text = get("metrics_listen", "/metrics")
	for _, line := range want {
		require.Contains(t, text, "\n"+line+"\n")
	}
	require.Regexp(t, `\nmail_certificate_expiry_timestamp_seconds{name="mail.example.test ECDSA"} 1\.\d+e\+09\n`, text)
	require.NotContains(t, text, "EVIL")
	require.NotContains(t, text, "alice")
	// What the dashboard asks for is there.
	board, err := os.ReadFile("../metrics/dashboard.json")
	require.NoError(t, err)
	require.True(t, json.Valid(board))
	for _, name := range regexp.MustCompile(`\b(?:mail|process)_\w+`).FindAllString(string(board), -1) {
		require.Contains(t, text, "\n"+name)
	}
	// Prometheus' own parser reads it, and so does a collector that asks as OpenTelemetry's does.
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, "HISTOGRAM", families["mail_delivery_delay_seconds"].GetType().String())
	req, err := http.NewRequest("GET", "http://"+r.s.Addrs("metrics_listen")[0].String()+"/metrics", nil)
	require.NoError(t, err)
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.3")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, 200, res.StatusCode)
	require.Regexp(t, `^(application/openmetrics-text|text/plain); version=`, res.Header.Get("Content-Type"))

	// https://prometheus.io/docs/practices/naming: base units, _total for what only grows.
	for _, name := range regexp.MustCompile(`(?m)^# TYPE (mail_\w+) counter$`).FindAllStringSubmatch(text, -1) {
		require.True(t, strings.HasSuffix(name[1], "_total"), name[1])
	}
}

// The same goes to an OpenTelemetry collector that is named, with what it wants to know of who sends; and once more when the server ends.
func TestOTLP(t *testing.T) {
	got := make(chan *http.Request, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err == nil {
			var b []byte
			b, err = io.ReadAll(z)
			r.Body = io.NopCloser(bytes.NewReader(b))
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		got <- r
	}))
	defer collector.Close()
	secret := t.TempDir() + "/header"
	require.NoError(t, os.WriteFile(secret, []byte("Authorization: Bearer x\n"), 0o600))
	r := start(t, "otlp_endpoint="+collector.URL, "otlp_interval=1s", "otlp_header_file="+secret)
	r.send("a@far.test", "alice@example.test", "Subject: x\r\n\r\nx\r\n")
	for found := false; !found; {
		select {
		case req := <-got:
			require.Equal(t, "/v1/metrics", req.URL.Path)
			require.Equal(t, "Bearer x", req.Header.Get("Authorization"))
			b, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			require.True(t, json.Valid(b))
			found = regexp.MustCompile(`"name":"mail_received_total".*?"stringValue":"smtpd".*?"asDouble":1\b`).Match(b)
			require.Contains(t, string(b), `{"key":"service.name","value":{"stringValue":"fullserver"}}`)
		case <-time.After(30 * time.Second):
			require.Fail(t, "nothing came")
		}
	}
}
