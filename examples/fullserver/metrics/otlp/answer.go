package otlp

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// rejected is the error of an ExportMetricsServiceResponse that took a part only.
func rejected(answer []byte) error {
	var r struct {
		Partial struct {
			Rejected json.RawMessage `json:"rejectedDataPoints"` // a string, or a number from those who don't know
			Message  string          `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if json.Unmarshal(answer, &r) != nil {
		return nil // it was 200: what else is said there is the collector's affair
	}
	if n := string(r.Partial.Rejected); n != "" && n != "0" && n != `"0"` && n != "null" {
		return errors.New("the collector did not take " + n + " values: " + strconv.Quote(r.Partial.Message))
	}
	return nil
}

// retryAfter reads a Retry-After (RFC 9110 section 10.2.3); 0: there is none.
func retryAfter(s string) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
