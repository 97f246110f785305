package server

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/buuta/mail/smtp/mx"
)

// stsCache keeps MTA-STS policies in files of a folder, so that a restart gives nobody the chance to hide them (RFC 8461 section 10.2).
type stsCache string

// file is a domain's. Domains here are DNS names in ASCII; others have no policy.
func (c stsCache) file(domain string) string {
	name := strings.ToLower(domain)
	if name == "" || len(name) > 253 || strings.HasPrefix(name, ".") || strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}) {
		return ""
	}
	return filepath.Join(string(c), name)
}

// Load implements mx.STSCache. A file that can't be read is no policy: a new one is fetched.
func (c stsCache) Load(_ context.Context, domain string) (*mx.STSPolicy, error) {
	file := c.file(domain)
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	p := &mx.STSPolicy{}
	if err == nil {
		err = json.Unmarshal(b, p)
	}
	if err != nil {
		return nil, nil
	}
	return p, nil
}

// Store implements mx.STSCache. A policy lost in a crash is fetched again: nothing is synced.
func (c stsCache) Store(_ context.Context, domain string, p *mx.STSPolicy) error {
	file := c.file(domain)
	if file == "" {
		return nil
	}
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(c), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
