package handlers

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/store"
)

// sessionLife is how long a session lasts after its last renewal. It is far
// longer than any lock, and renewed when half of it is gone.
const sessionLife = 30 * 24 * time.Hour

// holderKey is the session value with the holder, which stays when the token is
// renewed.
const holderKey = "holder"

// bookingsKey is the session value with the codes of the last bookings that
// were opened with their key, at most maxAdded.
const (
	bookingsKey = "bookings"
	maxAdded    = 50
)

// keepWithin is how long writing the session of a granted request may take,
// also if the visitor has left.
const keepWithin = 5 * time.Second

// sessions gives every visitor an identity. The cookie is a token of scs,
// signed by us. A signed token without a row is an empty session: a visitor is
// known from the first page on, and the row is written once something is
// granted to them. For a forgotten visitor a tombstone replaces the row; see
// [sessionRows.forget].
type sessions struct {
	scs     *scs.SessionManager
	rows    sessionRows
	store   sessionStore
	cookie  http.Cookie // all but the value
	streams openStreams
}

// sessionStore is what sessions needs of a store. Secret is read with each
// request: a store may be reached only later, or be replaced.
type sessionStore interface {
	records
	Records(ctx context.Context, scan store.Scan) ([]store.Record, error)
	Secret(ctx context.Context) ([]byte, error)
}

func newSessions(st sessionStore, secure bool) *sessions {
	m := scs.New()
	m.Store = sessionRows{st}
	m.Codec = jsonCodec{}
	m.Lifetime = sessionLife
	m.HashTokenInStore = true
	cookie := http.Cookie{
		Name: "seatlock", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		MaxAge: int(sessionLife.Seconds()),
	}
	if secure {
		cookie.Name, cookie.Secure = "__Host-seatlock", true
	}
	return &sessions{scs: m, rows: sessionRows{st}, store: st, cookie: cookie}
}

// visitor is the sender of a request.
type visitor struct {
	holder store.Holder
	token  string
	signer signer
	// fresh means that the request had no identity, and that this one must be
	// sent to the browser.
	fresh bool
	// forgotten is the former identity, if it was forgotten and may still have
	// seats.
	forgotten forgotten
}

// forgotten is a forgotten holder, with the id of the tombstone. The zero value
// is nobody.
type forgotten struct {
	holder store.Holder
	row    string
}

const visitorKey = "visitor"

func visitorOf(c echo.Context) visitor {
	v, _ := c.Get(visitorKey).(visitor)
	return v
}

// load puts the visitor and the session into the request. It reads the session
// row and writes nothing.
func (s *sessions) load(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Add("Vary", "Cookie")
		secret, err := s.store.Secret(c.Request().Context())
		if err != nil {
			return err
		}
		v := visitor{signer: secret}
		for _, cookie := range c.Request().CookiesNamed(s.cookie.Name) {
			if token, ok := v.signer.verify(cookie.Value); ok {
				v.token = token
				break
			}
		}
		v, ctx, err := s.recognize(c.Request().Context(), v)
		if err != nil {
			return fmt.Errorf("load session: %w", err)
		}
		c.SetRequest(c.Request().WithContext(ctx))
		c.Set(visitorKey, v)
		return next(c)
	}
}

// recognize returns the visitor with the token, and a context with the session.
// An invalid, forgotten or expired token is replaced by a new one.
func (s *sessions) recognize(ctx context.Context, v visitor) (visitor, context.Context, error) {
	if v.token != "" {
		known, err := s.scs.Load(ctx, v.token)
		end, isForgotten := errors.AsType[forgottenError](err)
		switch {
		case isForgotten:
			v.forgotten = forgotten{end.holder, v.row()}
		case err != nil:
			return visitor{}, nil, err
		default:
			v.holder = store.Holder(s.scs.GetString(known, holderKey))
			if v.holder == "" && isYoung(v.token) {
				v.holder = v.signer.firstHolder(v.token)
			}
		}
		if v.holder != "" {
			return v, known, nil
		}
	}
	v.token, v.fresh = newToken(), true
	v.holder = v.signer.firstHolder(v.token)
	empty, err := s.scs.Load(ctx, v.token)
	return v, empty, err
}

// persist makes the session of a visitor last after a grant: it writes the row
// if there is none yet, or if half of its life is over. The error is a
// forgottenError if the visitor was forgotten since the request began; after
// any other error the next grant writes the row, since the token yields the
// same holder until then.
func (s *sessions) persist(c echo.Context) error {
	// A grant stays, also if the visitor has left.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), keepWithin)
	defer cancel()
	v := visitorOf(c)
	isNew := s.scs.GetString(ctx, holderKey) == ""
	if !isNew && time.Until(s.scs.Deadline(ctx)) > sessionLife/2 {
		return s.rows.check(ctx, v.row())
	}
	return s.write(ctx, c)
}

// write writes the row of the visitor's session, and renews it.
func (s *sessions) write(ctx context.Context, c echo.Context) error {
	s.scs.Put(ctx, holderKey, string(visitorOf(c).holder))
	s.scs.SetDeadline(ctx, time.Now().Add(sessionLife).UTC())
	token, _, err := s.scs.Commit(ctx)
	if err == nil {
		s.hand(c, token)
	}
	return err
}

// add lets the session open a booking. Errors are those of persist.
func (s *sessions) add(c echo.Context, code string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), keepWithin)
	defer cancel()
	codes := append(s.added(ctx), code)
	s.scs.Put(ctx, bookingsKey, strings.Join(codes[max(0, len(codes)-maxAdded):], " "))
	return s.write(ctx, c)
}

func (s *sessions) hasAdded(ctx context.Context, code string) bool {
	return slices.Contains(s.added(ctx), code)
}

func (s *sessions) added(ctx context.Context) []string {
	return strings.Fields(s.scs.GetString(ctx, bookingsKey))
}

// introduce sends a fresh visitor the cookie, and writes no row.
func (s *sessions) introduce(c echo.Context) {
	if v := visitorOf(c); v.fresh {
		s.hand(c, v.token)
	}
}

func (s *sessions) hand(c echo.Context, token string) {
	cookie := s.cookie
	cookie.Value = token + "." + visitorOf(c).signer.sign("cookie", token)
	h := c.Response().Header()
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, cookie.Name+"=") })
	c.SetCookie(&cookie)
}

// newToken returns a token with the time when it was made. Without a row it is
// valid for as long as a session lasts, and so never outlives its tombstone.
func newToken() string {
	return rand.Text() + "-" + strconv.FormatInt(time.Now().Unix(), 36)
}

func isYoung(token string) bool {
	made, err := strconv.ParseInt(token[strings.LastIndexByte(token, '-')+1:], 36, 64)
	return err == nil && time.Since(time.Unix(made, 0)) < sessionLife
}

// row returns the id of the visitor's session row: scs's hash of the token.
func (v visitor) row() string {
	sum := sha256.Sum256([]byte(v.token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// signer signs with the store's secret.
type signer []byte

// verify returns the token of a cookie that we signed.
func (s signer) verify(value string) (token string, ok bool) {
	token, signature, found := strings.Cut(value, ".")
	if !found || len(value) > 200 || token == "" {
		return "", false
	}
	return token, hmac.Equal([]byte(signature), []byte(s.sign("cookie", token)))
}

// firstHolder derives the holder from a token without a row. The token cannot
// be derived from the holder.
func (s signer) firstHolder(token string) store.Holder {
	return store.Holder(s.sign("holder", token)[:22])
}

func (s signer) sign(use, token string) string {
	mac := hmac.New(sha256.New, s)
	mac.Write([]byte(use + ":" + token))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
