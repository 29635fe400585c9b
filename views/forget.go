package views

// ForgetView is what the page shows on which a visitor is forgotten.
type ForgetView struct {
	Words
	// Known means that there is somebody to forget; otherwise Line says why not.
	Known bool
	Line  string
	Asset func(name string) string
}
