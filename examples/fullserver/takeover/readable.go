package takeover

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/process"
)

// readable looks whether the owner may read what the server reads once it isn't root any more.
func (p *Plan) readable(dir string, add func(k Kind, what, do, format string, args ...any)) {
	if os.Geteuid() != 0 {
		return
	}
	o, err := process.LookupOwner(p.Owner)
	if err != nil {
		add(Blocks, "mail_owner = "+p.Owner, "", "%v", err)
		return
	}
	for _, named := range p.Config.Paths() {
		info, err := os.Stat(named)
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(named, p.o.Data+"/") || strings.HasPrefix(named, dir+"/") {
			continue
		}
		if !mayRead(o, named) {
			add(Blocks, named, fmt.Sprintf("setfacl -m u:%s:r %s (package acl), or usermod -aG with the group that may", p.Owner, named), "can't be read by %s", p.Owner)
		}
	}
	for _, named := range p.inMade() {
		var closed string
		_ = filepath.WalkDir(named, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && !mayRead(o, path) {
				closed = path
				return fs.SkipAll
			}
			return nil
		})
		if closed != "" {
			add(Blocks, closed, fmt.Sprintf("setfacl -R -m u:%s:rX %s (package acl), or usermod -aG with the group that may", p.Owner, named), "can't be read by %s", p.Owner)
		}
	}
}

// naming are settings that name files and folders; paths are what they name.
var (
	naming = regexp.MustCompile(`(?m)^(?:tls_\w+|connect|local_validation_key_dict) = .*`)
	paths  = regexp.MustCompile(`[= ]'?(/[^\s']+)`)
)

// inMade are those that the files which were made for directories, databases and tokens name, and that are there.
func (p *Plan) inMade() (out []string) {
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		if !strings.HasSuffix(name, ".conf.ext") {
			continue
		}
		for _, m := range paths.FindAllStringSubmatch(strings.Join(naming.FindAllString(p.files[name], -1), "\n"), -1) {
			if info, err := os.Stat(m[1]); err == nil && (info.Mode().IsRegular() || info.IsDir()) && !slices.Contains(out, m[1]) {
				out = append(out, m[1])
			}
		}
	}
	return out
}
