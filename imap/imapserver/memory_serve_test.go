package imapserver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"time"

	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/maildir"
)

// serveEnv tells a process of this program that it is TestMemory's server, and where its mail is.
const serveEnv = "IMAPSERVER_SERVE"

// serveAlone is the server's process. It ends when its standard input does.
func serveAlone(dir string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	srv := &imapserver.Server{Store: &maildir.Store{Path: dir + "/%u", NoSync: true}, Authenticator: imaptest.Users{"alice": "secret"},
		AllowPlaintext: (*imapserver.Conn).FromThisMachine,
		TLSConfig:      &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = srv.Close()
	}()
	fmt.Println(l.Addr())
	_ = srv.Serve(l)
}
