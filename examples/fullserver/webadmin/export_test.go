package webadmin

// Route is a page or action, for tests that walk all of them.
type Route struct {
	Method, Path string
	Public, All  bool
}

// Routes returns what the mux has.
func Routes() []Route {
	var out []Route
	for _, r := range routes() {
		out = append(out, Route{r.method, r.path, r.public, r.all})
	}
	return out
}
