package handlers

import "github.com/seatlock/seatlock/views"

// BookingLink returns the address that opens a booking without a session. base
// is the scheme and host of the site, and secret that of the store. Whoever has
// the link acts for the owner.
func BookingLink(base string, secret []byte, code string) string {
	return base + views.BookingPath(code) + "?key=" + signer(secret).bookingKey(code)
}
