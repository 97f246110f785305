package config_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/buuta/mail/examples/fullserver/config"
)

func ExampleRead() {
	c, err := config.Read("main.cf", strings.NewReader(`
myhostname = mail.example.test
mydestination = $myhostname, localhost
smtp_listen = 127.0.0.1:2525
`), "")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(config.Members(c.Settings.Addresses.MyDestination), c.Settings.MyDomain, c.Settings.SMTPListen[0])
	// Output: [mail.example.test localhost] example.test 127.0.0.1:2525
}

func ExampleError() {
	_, err := config.Read("main.cf", strings.NewReader("smtp_listen = 127.0.0.1:70000\n"), "")
	fmt.Println(err)
	// Output: main.cf, line 1: smtp_listen: "127.0.0.1:70000": "70000" is neither a port from 0 to 65535 nor a service's name
}

func ExampleConfig_Print() {
	c, err := config.Load(config.Options{Overrides: []string{"myhostname=mail.example.test", "smtpd_banner=$myhostname hello"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Print(os.Stdout, config.PrintOptions{OnlyGiven: true})
	// Output:
	// myhostname = mail.example.test
	// smtpd_banner = $myhostname hello
}
