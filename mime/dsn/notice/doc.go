// Package notice has the words of delivery status notifications as templates: those of Postfix's bounce_template_file
// (bounce(5)), read from the same format, in English and Vietnamese. Apply puts them into a [dsn.Report]:
//
//	words, err := notice.Parse(text) // or notice.English(), notice.Vietnamese()
//	q.Notify.Compose = func(m *queue.Message, _ mail.Notify, r *dsn.Report) {
//		words.Apply(r, values)
//	}
//
// so that a program may choose the words by sender or by site. The text of a template may use main.cf's names as Postfix's do,
// "$myhostname", and what text/template can, on a [Data]. Templates are the operator's: they are trusted, but one that fails or
// says too much gives way to English.
package notice
