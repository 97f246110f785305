package check

import (
	"context"
	"errors"
	"fmt"

	"github.com/buuta/mail/examples/fullserver/policy"
)

// services looks at master.cf's entries: their own parameters, and the commands that they name.
func (k *checker) services(ctx context.Context) {
	for _, n := range k.c.MasterNotes() {
		k.warn(n)
	}
	for _, s := range k.c.Services() {
		if k.c.Disabled(s) {
			continue
		}
		var err error
		switch {
		case s.Command == "pipe":
			_, _, err = s.Pipe()
		case s.Command == "spawn":
			_, _, err = s.Spawn()
		case s.Command == "smtpd", s.Command == "postscreen", s.Inside(), s.Agent():
		default:
			err = fmt.Errorf("there is no program %q here; take the line out, or name the service in master_service_disable", s.Command)
		}
		if err != nil {
			k.fail(k.c.ServiceError(s, "", err))
			continue
		}
		c, err := k.c.For(s)
		if err == nil && s.Command == "smtpd" && k.policy != nil {
			var p *policy.Policy
			if p, err = k.policy.For(ctx, &c.Settings, policy.Options{Users: k.users, Own: k.Own, Parameter: c.Value, Transports: c.Transports(), Verify: nobodyAsked}); err == nil {
				_ = p.Close()
			}
			if param, ok := errors.AsType[*policy.ParamError](err); ok {
				err = c.ErrorFor(param.Param, param.Err)
			}
		}
		if err != nil {
			k.fail(err)
		}
	}
}
