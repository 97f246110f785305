package main

import (
	"cmp"
	"fmt"
	"io"
	"os"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/trace"
)

// traceCommand tells the stories of messages, in the language of who asks, from maillog_file or the logs that are named.
func traceCommand(file string, over overrides, args []string, stdout, stderr io.Writer) int {
	log := ""
	if c, err := config.Load(config.Options{File: file, Overrides: over}); err == nil {
		log = c.Settings.MaillogFile
	} else if file != "" {
		fmt.Fprintf(stderr, "trace: %v\n", err)
		return 2
	}
	return trace.Run(args, log, cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")), stdout, stderr)
}
