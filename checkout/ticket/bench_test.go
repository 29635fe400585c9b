package ticket

import (
	"io"
	"testing"
)

func BenchmarkSign(b *testing.B) {
	k := keys(1)
	for b.Loop() {
		k.Sign(someTicket)
	}
}

func BenchmarkRead(b *testing.B) {
	public, token := keys(1).Public(), keys(1).Sign(someTicket)
	for b.Loop() {
		if _, err := Read(public, token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQR(b *testing.B) {
	token := keys(1).Sign(someTicket)
	for b.Loop() {
		code, err := QR(token)
		if err != nil {
			b.Fatal(err)
		}
		code.SVG()
	}
}

func BenchmarkPDF10(b *testing.B) {
	s := sheet(10)
	for b.Loop() {
		if err := PDF(io.Discard, s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCalendar(b *testing.B) {
	for b.Loop() {
		Calendar(someEntry)
	}
}
