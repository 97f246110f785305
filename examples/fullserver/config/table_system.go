package config

import "github.com/buuta/mail/examples/fullserver/maillog"

// system are parameters about Postfix's own files and processes, which this server, one program, has no use for.
func system() []Param {
	const one = "this server is one program"
	return []Param{
		works("Postfix", "compatibility_level", Text, "3.6", nil, "Which of Postfix's defaults hold, where they have changed. Postfix's own default is 0."),
		works("Postfix", "stress", Text, "", nil, "Postfix sets it when it is busy; some defaults name it."),
		works("Postfix", "config_directory", Path, "/etc/postfix", nil, "The folder of main.cf, for tables that lie beside it: hash:$config_directory/virtual. It is where main.cf was read from, whatever is set."),
		works("Postfix", "mail_name", Text, "Postfix", nil, "What this server is called where a parameter says $mail_name."),
		works("Postfix", "mail_version", Text, "3.7.11", nil, "The Postfix whose parameters these are."),
		works("Postfix", "syslog_name", Text, "${multi_instance_name?{$multi_instance_name}:{postfix}}", func(s *Settings) any { return &s.SyslogName }, "What the names of programs in the log begin with."),
		choice("Postfix", "syslog_facility", Choice, "mail", maillog.Facilities(), func(s *Settings) any { return &s.Log.Facility }, "The facility under which syslog and the journal get the log."),
		inert("maillog_file_rotate_suffix", Text, "%Y%m%d-%H%M%S", "old files have this one"),
		inert("maillog_file_prefixes", List, "/var, /dev/stdout", "the log is where maillog_file says"),
		works("Postfix", "multi_instance_name", Text, "", nil, "The name of this one of several servers on a machine."),
		works("Postfix", "master_service_disable", List, "", func(s *Settings) any { return &s.ServicesOff }, "Services of master.cf that are not there: smtp/inet, or inet for all of that type."),
		inert("setgid_group", Text, "postdrop", one),
		inert("command_directory", Path, "/usr/sbin", one),
		inert("daemon_directory", Path, "/usr/lib/postfix/sbin", one),
		inert("meta_directory", Path, "/etc/postfix", one),
		inert("shlib_directory", Path, "/usr/lib/postfix", one),
		inert("readme_directory", Path, "/usr/share/doc/postfix", one),
		inert("html_directory", Path, "/usr/share/doc/postfix/html", one),
		inert("manpage_directory", Path, "/usr/share/man", one),
		inert("sample_directory", Path, "/etc/postfix", one),
		inert("sendmail_path", Path, "/usr/sbin/sendmail", one),
		inert("newaliases_path", Path, "/usr/bin/newaliases", one),
		inert("mailq_path", Path, "/usr/bin/mailq", one),
		inert("debug_peer_level", Integer, "2", "what is logged does not depend on the client"),
		inert("debug_peer_list", List, "", "what is logged does not depend on the client"),
		raw(inert("debugger_command", Text, "", one)),
		inert("import_environment", List, "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME", one),
		inert("export_environment", List, "TZ MAIL_CONFIG LANG", "programs get PATH and what Postfix's local(8) names, and nothing else"),
	}
}
