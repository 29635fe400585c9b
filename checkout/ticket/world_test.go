package ticket

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/seatlock/seatlock/store"
)

// keys are those of a store whose secret is 32 times this byte.
func keys(secret byte) Keys { return NewKeys(bytes.Repeat([]byte{secret}, 32)) }

var someTicket = Ticket{Event: "gala-2026", Code: "7KQ2MXW4RT", Seat: "stalls-A-12", Issue: 1}

// longest is a ticket whose parts are as long as the store lets them be.
var longest = Ticket{Event: strings.Repeat("e", 64), Code: "ZZZZZZZZZZ", Seat: strings.Repeat("s", 64), Issue: 1<<31 - 1}

// decode reads the QR code of a picture, as a scanner does.
func decode(t testing.TB, picture image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		t.Fatalf("no QR code is read from the picture of %v: %v", picture.Bounds(), err)
	}
	// Scanners read a code in a mirror too, but not all of them.
	bottomLeft, topLeft, topRight := result.GetResultPoints()[0], result.GetResultPoints()[1], result.GetResultPoints()[2]
	down := [2]float64{bottomLeft.GetX() - topLeft.GetX(), bottomLeft.GetY() - topLeft.GetY()}
	right := [2]float64{topRight.GetX() - topLeft.GetX(), topRight.GetY() - topLeft.GetY()}
	if right[0]*down[1] < right[1]*down[0] {
		t.Errorf("the code is mirrored")
	}
	if level := result.GetResultMetadata()[gozxing.ResultMetadataType_ERROR_CORRECTION_LEVEL]; level != "M" {
		t.Errorf("the code has error correction level %v, want M", level)
	}
	return result.GetText()
}

// sheet is a booking of n tickets with ordinary texts.
func sheet(n int) Sheet {
	s := Sheet{
		Lang: "en", Title: "Tickets of booking 7KQ2MXW4RT", Event: "The Marriage of Figaro",
		Starts: "Saturday 5 December 2026, 19:30 (Europe/Vienna, UTC+1)", Moved: "Moved from Friday 4 December 2026, 19:30",
		Venue: "Große Bühne, Karlsplatz 1", Unprintable: "Cannot be printed in full here: the ticket's page shows it.",
	}
	for i := range n {
		ticket := Ticket{Event: "figaro", Code: "7KQ2MXW4RT", Seat: fmt.Sprintf("stalls-C-%d", i+1), Issue: i + 1}
		s.Tickets = append(s.Tickets, Stub{
			Section: Field{"Section", "Stalls"}, Row: Field{"Row", "C"}, Seat: Field{"Seat", fmt.Sprint(i + 1)},
			Tariff: Field{"Tariff", "Reduced"}, Price: Field{"Price", "€28.50"}, Code: Field{"Booking", ticket.Code},
			Name: Field{"Name", "Ελένη Wójcik"}, Issue: Field{"Ticket no.", fmt.Sprint(ticket.Issue)}, Token: keys(1).Sign(ticket),
		})
	}
	return s
}

// long has every text as long as the store allows, made of its widest letter.
func long() Sheet {
	wide := strings.Repeat("W", store.MaxText)
	field := Field{"Label", wide}
	stub := Stub{Section: field, Row: field, Seat: field, Tariff: field, Price: field, Code: field, Name: field, Issue: field, Token: keys(1).Sign(longest)}
	return Sheet{Lang: "en", Title: wide, Event: wide, Starts: wide, Moved: wide, Venue: wide, Unprintable: "-", Tickets: []Stub{stub, stub, stub, stub}}
}

func write(t testing.TB, s Sheet) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := PDF(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func dark(c color.Color) bool {
	r, g, b, _ := c.RGBA()
	return r+g+b < 3*0x8000
}
