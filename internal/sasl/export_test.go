package sasl

// SetNonce makes a server use the numbers of an RFC's example.
func (c *Config) SetNonce(s string) { c.nonce = func() string { return s } }

// SetNonce makes a client use the numbers of an RFC's example.
func (c *ClientConfig) SetNonce(s string) { c.nonce = func() string { return s } }

var (
	ParseGS2   = func(s string) error { _, _, err := parseGS2(s); return err }
	DecodeName = decodeName
	EncodeName = encodeName
	EndPoint   = endPoint
)
