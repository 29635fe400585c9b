package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"regexp"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/store"
)

// keysOf are what signs the tickets of a store.
func keysOf(t *testing.T, address string) (keys ticket.Keys) {
	t.Helper()
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		secret, err := st.Secret(t.Context())
		keys = ticket.NewKeys(secret)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// tokenOf is the ticket for a seat of a booking of the gala.
func tokenOf(t *testing.T, address, code, seat string, issue int) string {
	t.Helper()
	return keysOf(t, address).Sign(ticket.Ticket{Event: "gala", Code: code, Seat: seat, Issue: issue})
}

// flipped is a token with one bit of its signature flipped.
func flipped(t *testing.T, token string) string {
	t.Helper()
	version, text, _ := strings.Cut(token, ".")
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	body[len(body)-20] ^= 4
	return version + "." + base64.RawURLEncoding.EncodeToString(body)
}

// paidAtDoor is a booking of the gala that is paid for.
func paidAtDoor(t *testing.T, address string, seats ...string) (code string) {
	t.Helper()
	code = book(t, address, "door", seats...)
	does(t, "paid", "--store", address, code)
	return code
}

var (
	ticketAddress = regexp.MustCompile(`https://tickets\.example/tickets/(\S+)\n`)
	bookingLink   = regexp.MustCompile(`https://tickets\.example(/bookings/[A-Z0-9]{10}\?key=\S+)\n`)
)

// ticketsIn are the tokens of all ticket addresses that were printed.
func ticketsIn(text string) (tokens []string) {
	for _, m := range ticketAddress.FindAllStringSubmatch(text, -1) {
		tokens = append(tokens, m[1])
	}
	return tokens
}

// TestTicketKey: all three forms are the same key, and it verifies what the store
// signs.
func TestTicketKey(t *testing.T) {
	address := house(t)
	keys := keysOf(t, address)
	o := object(t, does(t, "ticket-key", "--store", address, "--format", "json"))
	public, err := base64.StdEncoding.DecodeString(o["public"].(string))
	if err != nil || !keys.Public().Equal(ed25519.PublicKey(public)) || o["id"] != keys.ID() || o["algorithm"] != "Ed25519" {
		t.Errorf("%v: JSON has %v", err, o)
	}
	wantSaid(t, does(t, "ticket-key", "--store", address), "key id      "+keys.ID()+"\npublic key  "+o["public"].(string)+"\n")
	block, rest := pem.Decode([]byte(does(t, "ticket-key", "--store", address, "--format", "pem")))
	if block == nil || len(rest) > 0 || block.Type != "PUBLIC KEY" {
		t.Fatalf("it is no PEM: %v, then %q", block, rest)
	}
	if key, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil || !keys.Public().Equal(key) {
		t.Errorf("%v: the PEM has %v", err, key)
	}
	token := tokenOf(t, address, "ABCDEFGHJK", "A1", 1)
	if got, err := ticket.Read(public, token); err != nil || got.Seat != "A1" {
		t.Errorf("it reads %v, %v", got, err)
	}
	refuses(t, exitUsage, "--format xml: want text, json or pem", "ticket-key", "--store", address, "--format", "xml")
	refuses(t, exitUsage, "unexpected argument", "ticket-key", "--store", address, "now")
	refuses(t, exitFault, "no such file", "ticket-key", "--store", address+".typo")
}

// TestReissue: the tickets that are printed are let in, and those before are not;
// a seat that is not named keeps its own.
func TestReissue(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	said := does(t, "reissue", "--store", address, "--base-url", "https://tickets.example", strings.ToLower(code), seats[0])
	if !strings.HasPrefix(said, "1 ticket of booking "+code+" was issued anew: the one before is not let in any more.\n") {
		t.Errorf("it says\n%s", said)
	}
	tokens := ticketsIn(said)
	if len(tokens) != 1 || tokens[0] != tokenOf(t, address, code, seats[0], 2) {
		t.Fatalf("it prints %q", tokens)
	}
	for token, want := range map[string]string{
		tokenOf(t, address, code, seats[0], 1): "NO  replaced by another ticket · Stalls, row A, seat 1 · booking " + code + "\n",
		tokens[0]:                              "IN  Stalls, row A, seat 1 · booking " + code + "\n",
		tokenOf(t, address, code, seats[1], 1): "IN  Stalls, row A, seat 2 · booking " + code + "\n",
	} {
		_, out, _ := told(t, "checkin", "--store", address, "--event", "gala", token)
		wantSaid(t, out, want)
	}
	all := does(t, "reissue", "--store", address, "--base-url", "https://tickets.example", code)
	if !strings.HasPrefix(all, "3 tickets of booking "+code+" were issued anew: the ones before are not let in any more.\n") || len(ticketsIn(all)) != 3 {
		t.Errorf("it says\n%s", all)
	}
	if _, out, _ := told(t, "checkin", "--store", address, "--event", "gala", ticketsIn(all)[0]); !strings.HasPrefix(out, "NO  checked in already at ") {
		t.Errorf("whether a seat is checked in does not stay: %s", out)
	}
	refuses(t, exitFault, "no such seat: Z9; nothing was changed", "reissue", "--store", address, code, seats[0], "Z9")
	refuses(t, exitFault, "booking 2345678923: no such booking; nothing was changed", "reissue", "--store", address, "2345678923")
	refuses(t, exitUsage, "--base-url example.org", "reissue", "--store", address, "--base-url", "example.org", code)
	refuses(t, exitUsage, "reissue wants the CODE", "reissue", "--store", address)
	does(t, "cancel", "--store", address, code, "--force")
	refuses(t, exitFault, "booking ended: it is cancelled; nothing was changed", "reissue", "--store", address, code)
}

// TestCancelAfterCheckIn needs to be meant.
func TestCancelAfterCheckIn(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats[0], seats[2])
	does(t, "checkin", "--store", address, "--event", "gala", tokenOf(t, address, code, seats[0], 1))
	refuses(t, exitFault, "checked in already: "+seats[0]+": somebody may sit there; with --force it is cancelled all the same; nothing was changed", "cancel", "--store", address, code)
	does(t, "cancel", "--store", address, code, seats[2])
	env := environment(map[string]string{"SEATLOCK_STORE": address, "SEATLOCK_FORCE": "true"})
	var out strings.Builder
	if exit := run(t.Context(), []string{"cancel", code}, env, &out, &out); exit != exitFault {
		t.Errorf("by the environment alone: exit %d, %s", exit, &out)
	}
	wantSaid(t, firstLine(does(t, "cancel", "--store", address, code, "--force")), "1 seat of booking "+code+" is free: "+seats[0]+".")
}
