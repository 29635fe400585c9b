// Package ticket makes what the buyer of a seat is given: a token that the store's
// key signs, as a QR code, as a sheet to print, and an entry for a calendar. It
// reads nothing from a store and decides nothing: a token that is signed proves
// that the ticket was issued, and [store.Store.CheckIn] whether it is valid.
package ticket

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// Why [Read] refuses a text. All but ErrBad wrap it.
var (
	ErrBad = errors.New("no good ticket")
	// ErrToken is for what is no token at all, or longer than any.
	ErrToken = fmt.Errorf("%w: this is no ticket of any kind", ErrBad)
	// ErrVersion is for a token of a version that this program does not know.
	ErrVersion = fmt.Errorf("%w: made by another version of the program", ErrBad)
	// ErrKey is for a token that names another key: most likely that of another
	// house.
	ErrKey = fmt.Errorf("%w: signed with another key", ErrBad)
	// ErrSignature is for a token that names this key, and that it did not sign:
	// it is forged, or was not read in whole.
	ErrSignature = fmt.Errorf("%w: the signature is wrong", ErrBad)
)

// Ticket is what a token says. There is no name in it.
type Ticket struct {
	Event string // its id
	Code  string // of the booking
	Seat  string // its id
	// Issue is the issue number, from 1; see [store.Ticket].
	Issue int
}

// Keys is the key pair of a store, which signs its tickets. It never changes, and
// is safe for concurrent use.
type Keys struct{ private ed25519.PrivateKey }

// NewKeys derives the key pair from the store's secret; see [store.Store.Secret].
// The same secret gives the same keys, for ever.
func NewKeys(secret []byte) Keys {
	seed, err := hkdf.Key(sha256.New, secret, nil, "seatlock ticket key 1", ed25519.SeedSize)
	if err != nil {
		panic(err) // only for a seed of many kilobytes
	}
	return Keys{ed25519.NewKeyFromSeed(seed)}
}

// Public is the half that reads tickets and cannot make any. It is no secret.
func (k Keys) Public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// ID names the public key by 8 hexadecimal digits; see [KeyID].
func (k Keys) ID() string { return KeyID(k.Public()) }

// KeyID names a public key for people and in tokens: the first 4 bytes of its
// SHA-256 as 8 hexadecimal digits. It tells keys of honest houses apart and proves
// nothing.
func KeyID(public ed25519.PublicKey) string {
	id := keyID(public)
	return hex.EncodeToString(id[:])
}

const keyIDLength = 4

func keyID(public ed25519.PublicKey) [keyIDLength]byte {
	sum := sha256.Sum256(public)
	return [keyIDLength]byte(sum[:keyIDLength])
}

// Sign returns the token of a ticket: "v1." and base64url, at most 300 characters,
// fit for an address as it is. The same ticket always has the same token. It panics
// if an id, the code or the issue number is none that a store can have.
func (k Keys) Sign(t Ticket) string {
	if !t.valid() {
		panic(fmt.Sprintf("sign a ticket that cannot be: %+v", t))
	}
	id := keyID(k.Public())
	payload := t.append(id[:])
	signature := ed25519.Sign(k.private, signed(payload))
	return version1 + encoding.EncodeToString(append(payload, signature...))
}

// Of returns the ticket for a seat of a booking as it is now.
func Of(b store.Booking, seat string) Ticket {
	return Ticket{Event: b.Event, Code: b.Code, Seat: seat, Issue: b.Ticket(seat).Issue}
}

// valid tells a ticket that a token can say: its parts are short and not empty.
func (t Ticket) valid() bool {
	return store.ValidID(t.Event) && store.ValidCode(t.Code) && store.ValidID(t.Seat) && t.Issue >= 1
}

const (
	version1 = "v1."
	// maxToken is longer than any token, and maxText than any address that ends in
	// one.
	maxToken = 300
	maxText  = 2048
)

// encoding has one way to write bytes: Strict refuses bits that are left over.
var encoding = base64.RawURLEncoding.Strict()

// signed is what the signature is made over: the version is part of it, so that no
// later one can be passed off as this.
func signed(payload []byte) []byte { return append([]byte(version1), payload...) }

// append writes the ticket behind the key id. Each text has its length before it;
// the issue number is a varint.
func (t Ticket) append(b []byte) []byte {
	for _, text := range []string{t.Event, t.Code, t.Seat} {
		b = append(b, byte(len(text)))
		b = append(b, text...)
	}
	return binary.AppendUvarint(b, uint64(t.Issue))
}

// Read verifies a token, or an address that ends in one after its last slash; blanks
// and line ends around it are cut. It returns what a key pair with this public half
// has signed, and nothing else: [ErrToken], [ErrVersion], [ErrKey] and
// [ErrSignature] say what else it is. Of one ticket only one text is read, up to
// the address before it. What is longer than 2048 bytes is refused unread.
func Read(public ed25519.PublicKey, text string) (Ticket, error) {
	if len(text) > maxText {
		return Ticket{}, ErrToken
	}
	token := TokenIn(text)
	if len(token) > maxToken {
		return Ticket{}, ErrToken
	}
	version, rest, _ := strings.Cut(token, ".")
	body, err := encoding.DecodeString(rest)
	// The decoder skips line ends, which would be a second way to write a token.
	if err != nil || strings.ContainsAny(rest, "\r\n") || !isVersion(version) || len(body) == 0 {
		return Ticket{}, ErrToken
	}
	if version+"." != version1 {
		return Ticket{}, ErrVersion
	}
	if len(body) < keyIDLength+ed25519.SignatureSize {
		return Ticket{}, ErrToken
	}
	payload, signature := body[:len(body)-ed25519.SignatureSize], body[len(body)-ed25519.SignatureSize:]
	if [keyIDLength]byte(payload[:keyIDLength]) != keyID(public) || len(public) != ed25519.PublicKeySize {
		return Ticket{}, ErrKey
	}
	if !ed25519.Verify(public, signed(payload), signature) {
		return Ticket{}, ErrSignature
	}
	return parse(payload[keyIDLength:])
}

// TokenIn returns what [Read] takes for the token in a text.
func TokenIn(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '/')+1:]
}

// isVersion tells "v" with a number.
func isVersion(s string) bool {
	number, ok := strings.CutPrefix(s, "v")
	return ok && number != "" && len(number) <= 4 && number[0] != '0' && strings.Trim(number, "0123456789") == ""
}

// parse reads what append wrote. The key has signed it, so it is only wrong if
// somebody has made tokens with the key in another way.
func parse(b []byte) (t Ticket, err error) {
	for _, text := range []*string{&t.Event, &t.Code, &t.Seat} {
		if len(b) == 0 || len(b) <= int(b[0]) {
			return Ticket{}, ErrToken
		}
		*text, b = string(b[1:1+b[0]]), b[1+b[0]:]
	}
	issue, n := binary.Uvarint(b)
	t.Issue = int(issue)
	if n <= 0 || n != len(b) || n != len(binary.AppendUvarint(nil, issue)) || !t.valid() {
		return Ticket{}, ErrToken
	}
	return t, nil
}
