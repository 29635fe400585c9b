package handlers

import "github.com/seatlock/seatlock/views"

// BookingLink is the address that opens a booking without a session, where base is
// the scheme and host of the site and secret that of the store. Who has it acts
// for the owner.
func BookingLink(base string, secret []byte, code string) string {
	return base + views.BookingPath(code) + "?key=" + signer(secret).bookingKey(code)
}
