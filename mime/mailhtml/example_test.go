package mailhtml_test

import (
	"fmt"

	"github.com/buuta/mail/mime/mailhtml"
)

// The zero Sanitizer makes a fragment that loads nothing.
func ExampleSanitizer() {
	var s mailhtml.Sanitizer
	r := s.Sanitize([]byte(`<p style="color: teal; position: fixed" onclick="steal()">Xin chào<script>steal()</script></p>
<img src="https://track.example/open.gif" width=1 height=1>`))
	fmt.Println(string(r.HTML))
	fmt.Println(r.Blocked, "blocked:", r.Hosts)
	// Output:
	// <div class="m--root"><p style="color: teal">Xin chào</p>
	// <img width="1" height="1" data-blocked="image"></div>
	// 1 blocked: [track.example]
}

// Images that came with the message are shown; those from elsewhere only when the reader asks.
func ExampleSanitizer_image() {
	show := false
	s := mailhtml.Sanitizer{Image: func(im mailhtml.Image) string {
		switch {
		case im.Kind == mailhtml.ImageCID:
			return "/mail/inbox/17/part/" + im.ContentID
		case im.Kind == mailhtml.ImageRemote && show && !im.Pixel:
			return im.URL
		}
		return ""
	}}
	r := s.Sanitize([]byte(`<img src="cid:logo@shop"><img src="http://shop.example/tea.jpg">`))
	fmt.Println(string(r.HTML))
	// Output:
	// <div class="m--root"><img src="/mail/inbox/17/part/logo@shop"><img data-blocked="image"></div>
}

// The styles of a mail stay its own.
func ExampleSanitizer_styleSheet() {
	var s mailhtml.Sanitizer
	r := s.Sanitize([]byte(`<style>body { background: #eee url(//t.example/x) } .card > td:hover { color: red }</style><table class=card><td>x`))
	fmt.Println(string(r.HTML))
	// Output:
	// <div class="m--root"><style>
	// .m--root { background: #eee none }
	// .m--root .m-card > td:hover { color: red }
	// </style><table class="m-card"><tbody><tr><td>x</td></tr></tbody></table></div>
}

func ExampleText() {
	fmt.Print(mailhtml.Text([]byte(`<p>Dear Lan,<p>two teas are <a href="https://shop.example/new">new</a>:<ul><li>oolong<li>lotus</ul>`), nil))
	// Output:
	// Dear Lan,
	//
	// two teas are new <https://shop.example/new>:
	//
	// * oolong
	// * lotus
}

func ExampleFromText() {
	fmt.Println(mailhtml.FromText("Yes.\n> Shall we <meet>?\n", ""))
	// Output:
	// <div class="m-text">Yes.<blockquote>Shall we &lt;meet&gt;?</blockquote></div>
}
