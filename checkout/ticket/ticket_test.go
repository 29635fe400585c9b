package ticket

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// golden are tokens that people have in their hands. They must be read for ever:
// nothing here may be changed, only added to.
var golden = []struct {
	secret byte
	keyID  string
	ticket Ticket
	token  string
}{
	{1, "5f22aaab", Ticket{"gala-2026", "7KQ2MXW4RT", "stalls-A-12", 1},
		"v1.XyKqqwlnYWxhLTIwMjYKN0tRMk1YVzRSVAtzdGFsbHMtQS0xMgFt1k5jXnkzTP9A5tozPAMLI1kbAhmz4MtZBW2cxCq8CQuS2EjO3fFXpFgMYub3HJl2N_iq4g0uhzDWBMNZ5asN"},
	{1, "5f22aaab", Ticket{strings.Repeat("e", 64), "ZZZZZZZZZZ", strings.Repeat("s", 64), 2147483647},
		"v1.XyKqq0BlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlClpaWlpaWlpaWlpAc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc_____8HsJNpqo20EEVxFVblbDm77z2PumI2Dlck49dhbM5SwczfTAWNArCrHXUoR6v5dQ5ZxYAqjsT3YxTZnqGUTvFWCw"},
	{255, "9dbe4b0e", Ticket{"1", "2222222222", "A", 300},
		"v1.nb5LDgExCjIyMjIyMjIyMjIBQawCSuHstYs81Zt7YCd4BQuoM6bBUyvT7kbT9ybYM1Y69UvStfWDSe0HPh8EjTp3jmEnenAB6oUO1Re1sDUH4nKFDg"},
}

func TestGolden(t *testing.T) {
	for _, g := range golden {
		if id := keys(g.secret).ID(); id != g.keyID {
			t.Errorf("the key of secret %d is %s, and was %s", g.secret, id, g.keyID)
		}
		if got, err := Read(keys(g.secret).Public(), g.token); err != nil || got != g.ticket {
			t.Errorf("read %q: %+v, %v, want %+v", g.token, got, err, g.ticket)
		}
		if got := keys(g.secret).Sign(g.ticket); got != g.token {
			t.Errorf("the token of %+v is %s, and was %s", g.ticket, got, g.token)
		}
	}
}

// TestReadAround reads a token as people bring it: with blanks and in an address.
func TestReadAround(t *testing.T) {
	token := keys(1).Sign(someTicket)
	for _, text := range []string{
		token, " " + token + "\r\n", "\t" + token, "https://house.example/tickets/" + token + "\n", "/tickets/" + token, "x/y/" + token,
	} {
		if got, err := Read(keys(1).Public(), text); err != nil || got != someTicket {
			t.Errorf("read %q: %+v, %v", text, got, err)
		}
	}
}

// TestRefused tells apart what is no good ticket.
func TestRefused(t *testing.T) {
	token := keys(1).Sign(someTicket)
	body := decoded(t, token)
	// Two bits of the last character of this one are left over.
	loose := keys(1).Sign(Ticket{someTicket.Event, someTicket.Code, "stalls-A-1", 1})
	for _, tc := range []struct {
		what, text string
		want       error
	}{
		{"nothing", "", ErrToken},
		{"blanks", " \n", ErrToken},
		{"a booking's code", "7KQ2MXW4RT", ErrToken},
		{"an address of something else", "https://house.example/bookings/7KQ2MXW4RT", ErrToken},
		{"another QR code", "WIFI:T:WPA;S:foyer;P:secret;;", ErrToken},
		{"a version alone", "v1.", ErrToken},
		{"a version without a number", "v." + token[3:], ErrToken},
		{"a version with a leading zero", "v01." + token[3:], ErrToken},
		{"a short body", "v1.AAAA", ErrToken},
		{"padding", token + "=", ErrToken},
		{"the other alphabet", "v1." + base64.RawStdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, 80)), ErrToken},
		{"a line end within", token[:40] + "\n" + token[40:], ErrToken},
		{"another end for the same bytes", loose[:len(loose)-1] + string(loose[len(loose)-1]+1), ErrToken},
		{"something behind it", token + "/", ErrToken},
		{"two", token + " " + token, ErrToken},
		{"10 KB", "v1." + strings.Repeat("A", 10<<10), ErrToken},
		{"10 KB of address", strings.Repeat("a", 10<<10) + "/" + token, ErrToken},
		{"10 KB of blanks", token + strings.Repeat(" ", 10<<10), ErrToken},
		{"longer than any", "v1." + strings.Repeat("A", maxToken), ErrToken},
		{"version 2", "v2" + token[2:], ErrVersion},
		{"version 10", "v10" + token[2:], ErrVersion},
		{"another house's", keys(2).Sign(someTicket), ErrKey},
		{"another house's that names this key", encoded(keys(2).signAs(keys(1), []byte("\x01e\x0a2222222222\x01s\x01"))), ErrSignature},
		{"the end cut off", token[:len(token)-4], ErrSignature},
		{"a byte behind", encoded(append(bytes.Clone(body), 0)), ErrSignature},
		{"a byte behind the payload, signed", encoded(keys(1).signAs(keys(1), []byte("\x01e\x0a2222222222\x01s\x01\x00"))), ErrToken},
		{"no issue number, signed", encoded(keys(1).signAs(keys(1), []byte("\x01e\x0a2222222222\x01s"))), ErrToken},
		{"issue 0, signed", encoded(keys(1).signAs(keys(1), []byte("\x01e\x0a2222222222\x01s\x00"))), ErrToken},
		{"a long way to write issue 1, signed", encoded(keys(1).signAs(keys(1), []byte("\x01e\x0a2222222222\x01s\x81\x00"))), ErrToken},
		{"a length beyond the end, signed", encoded(keys(1).signAs(keys(1), []byte("\x01e\x0a2222222222\xffs\x01"))), ErrToken},
		{"no booking's code, signed", encoded(keys(1).signAs(keys(1), []byte("\x01e\x0a1111111111\x01s\x01"))), ErrToken},
		{"nothing, signed", encoded(keys(1).signAs(keys(1), nil)), ErrToken},
	} {
		got, err := Read(keys(1).Public(), tc.text)
		if !errors.Is(err, tc.want) || !errors.Is(err, ErrBad) || got != (Ticket{}) {
			t.Errorf("%s: %+v, %v, want %v", tc.what, got, err, tc.want)
		}
	}
}

// TestReadWithNoKey wants a refusal by a key that is none, and that the token names.
func TestReadWithNoKey(t *testing.T) {
	for _, public := range []ed25519.PublicKey{nil, make(ed25519.PublicKey, 31)} {
		id := keyID(public)
		if _, err := Read(public, encoded(append(id[:], make([]byte, 80)...))); !errors.Is(err, ErrKey) {
			t.Errorf("a key of %d bytes: %v, want %v", len(public), err, ErrKey)
		}
	}
}

// signAs signs a payload with k that names the key of named.
func (k Keys) signAs(named Keys, payload []byte) []byte {
	id := keyID(named.Public())
	payload = append(id[:], payload...)
	return append(payload, ed25519.Sign(k.private, signed(payload))...)
}

func encoded(body []byte) string { return "v1." + base64.RawURLEncoding.EncodeToString(body) }

func decoded(t testing.TB, token string) []byte {
	t.Helper()
	body, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "v1."))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestFlippedBits flips every single bit of a token as it is written, and of what it
// encodes.
func TestFlippedBits(t *testing.T) {
	token := keys(1).Sign(someTicket)
	for i := range len(token) * 8 {
		flipped := []byte(token)
		flipped[i/8] ^= 1 << (i % 8)
		if got, err := Read(keys(1).Public(), string(flipped)); !errors.Is(err, ErrBad) {
			t.Errorf("bit %d of the text flipped: %+v, %v", i, got, err)
		}
	}
	body := decoded(t, token)
	for i := range len(body) * 8 {
		flipped := bytes.Clone(body)
		flipped[i/8] ^= 1 << (i % 8)
		want := ErrSignature
		if i/8 < keyIDLength {
			want = ErrKey
		}
		if got, err := Read(keys(1).Public(), encoded(flipped)); !errors.Is(err, want) {
			t.Errorf("bit %d of the body flipped: %+v, %v, want %v", i, got, err, want)
		}
	}
}

func TestSignRefusesWhatCannotBe(t *testing.T) {
	for _, bad := range []Ticket{
		{}, {"", "2222222222", "s", 1}, {"e", "222222222", "s", 1}, {"e", "2222222222", "a b", 1}, {"e", "2222222222", "s", 0},
		{strings.Repeat("e", 300), "2222222222", "s", 1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was signed", bad)
				}
			}()
			keys(1).Sign(bad)
		}()
	}
}

func TestTokenIsShort(t *testing.T) {
	forever := longest
	forever.Issue = 1<<63 - 1
	if got := len(keys(1).Sign(forever)); got > maxToken {
		t.Errorf("the longest token has %d characters, want at most %d", got, maxToken)
	}
	if got := len(keys(1).Sign(someTicket)); got > 160 {
		t.Errorf("an ordinary token has %d characters", got)
	}
}

// FuzzRead wants of every text that is read that Sign writes it so.
func FuzzRead(f *testing.F) {
	for _, g := range golden {
		f.Add(g.token)
		f.Add("https://house.example/tickets/" + g.token + "\n")
	}
	f.Add("v2.AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Read(keys(1).Public(), text)
		switch {
		case err != nil && (!errors.Is(err, ErrBad) || got != Ticket{}):
			t.Errorf("read %q: %+v, %v", text, got, err)
		case err == nil && !strings.HasSuffix(strings.TrimSpace(text), keys(1).Sign(got)):
			t.Errorf("%q is read as %+v, whose token is %s", text, got, keys(1).Sign(got))
		}
	})
}

// FuzzParse wants of every payload that is read that there is no other for it.
func FuzzParse(f *testing.F) {
	for _, t := range []Ticket{someTicket, longest, {"1", "2222222222", "A", 300}} {
		f.Add(t.append(nil))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if got, err := parse(payload); err == nil && !bytes.Equal(got.append(nil), payload) {
			t.Errorf("%x is read as %+v, which is %x", payload, got, got.append(nil))
		}
	})
}

func ExampleRead() {
	keys := NewKeys([]byte("the secret of the store, 32 byte"))
	token := keys.Sign(Ticket{Event: "gala", Code: "7KQ2MXW4RT", Seat: "A-1", Issue: 1})
	read, err := Read(keys.Public(), "https://house.example/tickets/"+token)
	fmt.Println(read, err)
	_, err = Read(NewKeys([]byte("the secret of another house")).Public(), token)
	fmt.Println(err)
	// Output:
	// {gala 7KQ2MXW4RT A-1 1} <nil>
	// no good ticket: signed with another key
}
