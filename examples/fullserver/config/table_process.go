package config

// process are parameters about what the program may do on its machine.
func process() []Param {
	const g = "The program and its machine"
	return []Param{
		works(g, "mail_owner", Text, "", func(s *Settings) any { return &s.Process.Owner },
			"The user whom the server becomes when root starts it, once it has its ports; queue, mailboxes and everything in data_directory are this user's, and commands of aliases and of master.cf run as it. Empty: it stays who it is. Postfix's own default is postfix."),
		works(g, "confine", Yes, "${mail_owner?{yes}:{no}}", func(s *Settings) any { return &s.Process.Confine },
			"Keep the server, and the commands that it runs, away from all files but the system's, those that parameters name, and its own folders (Linux's Landlock). Files of parameters that are changed later must lie in folders that were named at the start, until a restart."),
		works(g, "confine_read", List, "", func(s *Settings) any { return &s.Process.Read },
			"Files and folders that it reads beside those."),
		works(g, "confine_write", List, "", func(s *Settings) any { return &s.Process.Write },
			"Folders that it writes to beside its own: what aliases deliver to, homes of users in a database."),
	}
}
